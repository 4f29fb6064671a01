"""cluster-kubernetes.yaml and the Dockerfile: what can be seen of them without a cluster."""

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
"""Variable that names KubeRay's schema of a RayJob, `ray.io_rayjobs.yaml` of its Helm chart, also as `.gz`."""


def documents() -> dict[str, Any]:
    """What the manifest makes, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(MANIFEST.read_text())}


@cache
def schema() -> dict[str, Any]:
    """The schema of `ray.io/v1`, in which a field that it does not name is an error."""
    named = os.environ.get(SCHEMA)
    if named is None:
        pytest.skip(f"{SCHEMA} names no ray.io_rayjobs.yaml (ray-project/kuberay, helm-chart)")
    found = Path(named)
    written = found.read_bytes()
    text = gzip.decompress(written) if found.suffix == ".gz" else written
    # It is long, and the reader in C takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load(text, Loader=loader)  # noqa: S506 - a safe one
    (version,) = (each for each in definition["spec"]["versions"] if each["name"] == "v1")
    whole: dict[str, Any] = closed(version["schema"]["openAPIV3Schema"])
    return whole


def closed(part: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """The same, with no other fields than those named, as Kubernetes prunes them."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {key: closed(each) for key, each in part.items()}
    is_object = isinstance(made.get("properties"), dict) and made.get("type") == "object"
    if is_object and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def faults(job: Any) -> list[str]:  # noqa: ANN401 - a document
    """What is wrong with a RayJob."""
    validator = jsonschema.Draft202012Validator(schema()["properties"]["spec"])
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(job["spec"])]


def test_the_manifest_is_a_ray_job() -> None:
    """Every field is one that KubeRay's schema knows, of the type that it has there."""
    assert faults(documents()["RayJob"]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("entrypiont", "x"), ("backoffLimit", "two"), ("shutdownAfterJobFinishes", "yes")],
)
def test_a_planted_fault_is_found(field: str, value: str) -> None:
    """The test above can fail: a misspelt field and a value of another type."""
    job = documents()["RayJob"]
    job["spec"][field] = value

    assert len(faults(job)) == 1


def test_the_study_that_it_runs_is_one() -> None:
    """Its command line is accepted by the command itself, on this cluster."""
    words = shlex.split(documents()["RayJob"]["spec"]["entrypoint"])
    command = re.search(r"-m study\.regime (.*) \$more", words[2])

    assert words[:2] == ["bash", "-c"]
    assert command is not None
    options = parse(
        ComparisonOptions, program="study.regime", description="", args=command[1].split()
    )
    assert options.address == "auto"
    assert f"{options.results_dir}/{options.name}/study.json" in words[2]


def test_no_container_is_root_or_talks_to_the_cluster() -> None:
    """Neither may gain rights, nor has a token of Kubernetes; Ray asks for a token of its own."""
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


def test_ray_is_the_one_that_is_tested() -> None:
    """The manifest's version is that of constraints.txt, which the image installs."""
    tested = re.search(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)

    assert tested is not None
    assert documents()["RayJob"]["spec"]["rayClusterSpec"]["rayVersion"] == tested[1]


def test_the_image_has_two_stages_and_no_root() -> None:
    """What builds is left behind, what is copied is there, and a user is named by number."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [
        name
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    let_in = (ROOT / ".dockerignore").read_text().splitlines()

    assert len([line for line in lines if line.startswith("FROM ")]) == 2
    assert re.search(r"^USER [1-9]\d*$", "\n".join(lines), re.MULTILINE)
    assert all((ROOT / name).exists() for name in copied)
    assert {f"!{name}" for name in copied} <= set(let_in)
