"""cluster.yaml and cluster-local.yaml are what the installed Ray takes, and safe."""

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
    """A file's content."""
    return yaml.safe_load((ROOT / file).read_text())


def schema() -> Any:  # noqa: ANN401 - JSON
    """Ray's own schema of cluster files."""
    return json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())


@pytest.mark.parametrize("file", FILES)
def test_the_files_are_valid_for_ray(file: str) -> None:
    """Ray's schema has nothing against them, nor has its own check of what the schema lets by."""
    jsonschema.validate(cluster(file), schema())
    validate_config(prepare_config(cluster(file)))


@pytest.mark.parametrize("file", FILES)
def test_a_user_edits_three_places(file: str) -> None:
    """They are marked."""
    assert re.findall(r"EDIT \d", (ROOT / file).read_text()) == ["EDIT 1", "EDIT 2", "EDIT 3"]


@pytest.mark.parametrize("file", FILES)
def test_only_ones_own_machines_talk_to_the_cluster(file: str) -> None:
    """Every machine has the token and asks for it; nothing tells anybody how Ray is used."""
    one = cluster(file)
    start = [*one["head_start_ray_commands"], *one["worker_start_ray_commands"]]

    assert any(place.endswith("/.ray/auth_token") for place in one["file_mounts"])
    assert any("RAY_AUTH_MODE=token" in command for command in one["setup_commands"])
    assert all("--disable-usage-stats" in c for c in start if "ray start" in c)


@pytest.mark.parametrize("file", FILES)
def test_no_other_user_gets_at_rays_sessions(file: str) -> None:
    """Ray opens its folders to all: they lie in one that only its owner can enter, before Ray starts."""
    setup = cluster(file)["setup_commands"]

    assert any("install -d -m 700" in each and "~/.ray/private" in each for each in setup)
    assert any("RAY_TMPDIR=$HOME/.ray/private" in command for command in setup)
    assert any("chmod 600 ~/.ray/auth_token" in command for command in setup)


def test_only_ssh_is_open_to_the_world() -> None:
    """Ray's own rules open ssh and nothing else; they are always added, and AWS refuses one twice."""
    assert cluster()["provider"]["security_group"] == {"GroupName": "energy"}


def test_a_cloud_without_work_costs_a_head_alone() -> None:
    """Workers come when trials wait for them, and go when there are none."""
    worker = cluster()["available_node_types"]["worker"]

    assert worker["min_workers"] == 0
    assert worker["max_workers"] >= 1


def test_a_wrong_file_would_be_noticed() -> None:
    """The test above can fail: a misspelt key is refused."""
    wrong = {**copy.deepcopy(cluster()), "max_wrokers": 3}

    with pytest.raises(jsonschema.ValidationError, match="max_wrokers"):
        jsonschema.validate(wrong, schema())


@pytest.mark.parametrize("file", FILES)
def test_the_dashboard_stays_on_loopback(file: str) -> None:
    """Who wants to see it, forwards its port by ssh."""
    start = " ".join(cluster(file)["head_start_ray_commands"])

    assert "--dashboard-host=127.0.0.1" in start


def test_a_machine_without_a_driver_is_noticed_first() -> None:
    """Before gigabytes are installed on a machine that could not train."""
    assert cluster()["setup_commands"][0] == "nvidia-smi -L"
