"""cluster.yaml is what the installed Ray takes."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import yaml

ROOT = Path(__file__).parent.parent


def cluster() -> Any:  # noqa: ANN401 - YAML
    """The file's content."""
    return yaml.safe_load((ROOT / "cluster.yaml").read_text())


def schema() -> Any:  # noqa: ANN401 - JSON
    """Ray's own schema of cluster files."""
    return json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())


def test_the_file_is_valid_for_ray() -> None:
    """Ray's schema has nothing against the file."""
    jsonschema.validate(cluster(), schema())


def test_a_wrong_file_would_be_noticed() -> None:
    """The test above can fail: a misspelt key is refused."""
    wrong = {**copy.deepcopy(cluster()), "max_wrokers": 3}

    with pytest.raises(jsonschema.ValidationError, match="max_wrokers"):
        jsonschema.validate(wrong, schema())


def test_the_dashboard_stays_on_loopback() -> None:
    """Only ssh is open to the world."""
    start = " ".join(cluster()["head_start_ray_commands"])

    assert "--dashboard-host=127.0.0.1" in start
