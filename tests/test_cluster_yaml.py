"""cluster.yaml and cluster-local.yaml: valid for the installed Ray, and safe."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parent.parent


FILES = ["cluster.yaml", "cluster-local.yaml"]


def cluster(file: str = "cluster.yaml") -> Any:  # noqa: ANN401 - YAML
    """Content of a cluster file."""
    return yaml.safe_load((ROOT / file).read_text())


def schema() -> Any:  # noqa: ANN401 - JSON
    """Ray's schema of cluster files."""
    return json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())


@pytest.mark.parametrize("file", FILES)
def test_the_files_are_valid_for_ray(file: str) -> None:
    """They satisfy Ray's schema, and its further checks beyond the schema."""
    jsonschema.validate(cluster(file), schema())
    validate_config(prepare_config(cluster(file)))


@pytest.mark.parametrize("file", FILES)
def test_a_user_edits_three_places(file: str) -> None:
    """The places are marked with `EDIT` and a number."""
    assert re.findall(r"EDIT \d", (ROOT / file).read_text()) == ["EDIT 1", "EDIT 2", "EDIT 3"]


@pytest.mark.parametrize("file", FILES)
def test_only_own_machines_can_connect_to_the_cluster(file: str) -> None:
    """Every machine gets the token and requires it; Ray's usage statistics are off."""
    content = cluster(file)
    start = [*content["head_start_ray_commands"], *content["worker_start_ray_commands"]]

    assert any(place.endswith("/.ray/auth_token") for place in content["file_mounts"])
    assert any("RAY_AUTH_MODE=token" in command for command in content["setup_commands"])
    assert all("--disable-usage-stats" in c for c in start if "ray start" in c)


@pytest.mark.parametrize("file", FILES)
def test_no_other_user_can_read_rays_sessions(file: str) -> None:
    """Ray makes its folders readable for all, so they are put into one that only its owner can enter."""
    setup = cluster(file)["setup_commands"]

    assert any("install -d -m 700" in each and "~/.ray/private" in each for each in setup)
    assert any("RAY_TMPDIR=$HOME/.ray/private" in command for command in setup)
    assert any("chmod 600 ~/.ray/auth_token" in command for command in setup)


def test_only_ssh_is_open_to_the_world() -> None:
    """Ray always adds its own rule for SSH, so we add none: AWS refuses a rule that is given twice."""
    assert cluster()["provider"]["security_group"] == {"GroupName": "energy"}


def test_an_idle_cloud_cluster_consists_of_the_head_alone() -> None:
    """Workers are started when trials wait for them, and none is kept without trials."""
    worker = cluster()["available_node_types"]["worker"]

    assert worker["min_workers"] == 0
    assert worker["max_workers"] >= 1


def test_an_invalid_file_is_refused() -> None:
    """The test of the schema can fail: a misspelt key is refused."""
    wrong = {**copy.deepcopy(cluster()), "max_wrokers": 3}

    with pytest.raises(jsonschema.ValidationError, match="max_wrokers"):
        jsonschema.validate(wrong, schema())


@pytest.mark.parametrize("file", FILES)
def test_the_dashboard_stays_on_loopback(file: str) -> None:
    """It can be reached only by forwarding its port over SSH."""
    start = " ".join(cluster(file)["head_start_ray_commands"])

    assert "--dashboard-host=127.0.0.1" in start


def test_a_missing_gpu_driver_is_noticed_first() -> None:
    """The check comes before gigabytes are installed on a machine that could not train."""
    assert cluster()["setup_commands"][0] == "nvidia-smi -L"
