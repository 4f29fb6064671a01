"""cluster-kubernetes.yaml and the Dockerfile, as far as they can be checked without a cluster."""

import gzip
import os
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from study.command.parsing import parse
from study.repeats.options import ComparisonOptions

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / "cluster-kubernetes.yaml"
SCHEMA = "KUBERAY_RAYJOB_CRD"
"""Environment variable with the path of KubeRay's schema of a RayJob: `ray.io_rayjobs.yaml` of its Helm chart,
plain or as `.gz`."""


def documents() -> dict[str, Any]:
    """Documents of the manifest, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(MANIFEST.read_text())}


@cache
def schema() -> dict[str, Any]:
    """Schema of `ray.io/v1`, closed so that an unknown field is an error."""
    named = os.environ.get(SCHEMA)
    if named is None:
        pytest.skip(f"{SCHEMA} names no ray.io_rayjobs.yaml (ray-project/kuberay, helm-chart)")
    file = Path(named)
    content = file.read_bytes()
    text = gzip.decompress(content) if file.suffix == ".gz" else content
    # The file is long, and the loader in C takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader
    (version,) = (each for each in definition["spec"]["versions"] if each["name"] == "v1")
    whole: dict[str, Any] = closed(version["schema"]["openAPIV3Schema"])
    return whole


def closed(part: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Schema that forbids all fields but those it names, because Kubernetes drops unknown ones silently."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    strict = {key: closed(each) for key, each in part.items()}
    is_object = isinstance(strict.get("properties"), dict) and strict.get("type") == "object"
    if is_object and not strict.get("x-kubernetes-preserve-unknown-fields"):
        strict.setdefault("additionalProperties", False)
    return strict


def faults(job: Any) -> list[str]:  # noqa: ANN401 - a document
    """Violations of the schema by a RayJob."""
    validator = jsonschema.Draft202012Validator(schema()["properties"]["spec"])
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(job["spec"])]


def test_the_manifest_is_a_ray_job() -> None:
    """Every field is known to KubeRay's schema and has the right type."""
    assert faults(documents()["RayJob"]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("entrypiont", "x"), ("backoffLimit", "two"), ("shutdownAfterJobFinishes", "yes")],
)
def test_a_planted_fault_is_found(field: str, value: str) -> None:
    """The test above can fail: a misspelt field or a value of the wrong type is found."""
    job = documents()["RayJob"]
    job["spec"][field] = value

    assert len(faults(job)) == 1


def test_the_manifests_study_command_is_valid() -> None:
    """The command's own parser accepts it; the job resumes the study that this command writes."""
    words = shlex.split(documents()["RayJob"]["spec"]["entrypoint"])
    command = re.search(r"-m study\.regime (.*) \$more", words[2])

    assert words[:2] == ["bash", "-c"]
    assert command is not None
    options = parse(
        ComparisonOptions, program="study.regime", description="", args=command[1].split()
    )
    assert options.address == "auto"
    assert f"{options.results_dir}/{options.name}/study.json" in words[2]


def test_no_container_runs_as_root_or_has_a_kubernetes_token() -> None:
    """No container may gain privileges, its resources are fixed, and Ray requires its own token."""
    cluster = documents()["RayJob"]["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]

    assert cluster["authOptions"] == {"mode": "token"}
    for group in groups:
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["resources"]["requests"] == container["resources"]["limits"]


def test_the_manifest_has_the_tested_version_of_ray() -> None:
    """It is the version in constraints.txt, which the image installs."""
    tested = re.search(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)

    assert tested is not None
    assert documents()["RayJob"]["spec"]["rayClusterSpec"]["rayVersion"] == tested[1]


def test_the_image_has_two_stages_and_no_root_user() -> None:
    """Files that it copies exist and are not ignored, and its user is a number other than 0."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [
        name
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    not_ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert len([line for line in lines if line.startswith("FROM ")]) == 2
    assert re.search(r"^USER [1-9]\d*$", "\n".join(lines), re.MULTILINE)
    assert all((ROOT / name).exists() for name in copied)
    assert {f"!{name}" for name in copied} <= set(not_ignored)
