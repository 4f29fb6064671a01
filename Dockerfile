# syntax=docker/dockerfile:1
# A study in a container, on Kubernetes (cluster-kubernetes.yaml) or by itself:
#
#   docker build -t power-of-training .
#   docker run --rm --gpus all --shm-size 2g -v "$PWD/results:/results" power-of-training \
#       python -m study.regime --scenario watch --results-dir /results
#
# docs/kubernetes.md says what can be measured from within.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
WORKDIR /src
# The packages first: they change more rarely than the code, and weigh gigabytes.
COPY constraints.txt pyproject.toml README.md LICENSE NOTICE ./
RUN mkdir analysis models study trackers \
    && touch analysis/__init__.py models/__init__.py study/__init__.py trackers/__init__.py \
    && /venv/bin/pip install --constraint constraints.txt \
       '.[sample,mlflow,wandb,prometheus,otel]' 'ray[default]' \
    && /venv/bin/pip uninstall --yes power-of-training \
    && rm -rf analysis models study trackers build ./*.egg-info
COPY analysis analysis
COPY models models
COPY study study
COPY trackers trackers
RUN /venv/bin/pip install --no-deps --constraint constraints.txt .

FROM python:3.11-slim-bookworm
# KubeRay asks by wget whether Ray is well, and starts it in a login shell, which sets PATH anew.
# hadolint ignore=DL3008,SC2016
RUN apt-get update \
    && apt-get install --yes --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/* \
    && echo 'export PATH=/venv/bin:$PATH' > /etc/profile.d/venv.sh \
    && useradd --create-home --uid 1000 study \
    && install --directory --owner study --group study /results
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0 \
    RAY_USAGE_STATS_REPORT_URL=http://127.0.0.1:9
USER 1000
WORKDIR /home/study
CMD ["python", "-m", "study"]
