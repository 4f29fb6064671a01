"""Names of version 0.1."""

import json

from study.record.manifest import Manifest
from tests.study.record.test_manifest import MANIFEST


def test_an_old_manifest_has_its_options_under_their_present_names() -> None:
    """A search of version 0.1 goes on, and is analysed, with the goal it had."""
    raw = json.loads(MANIFEST.to_json())
    raw |= {"schema_version": 2, "options": {"objective": "accuracy", "max_epochs": 3}}

    read = Manifest.from_json(json.dumps(raw))

    assert read.options == {"goal": "accuracy", "max_epochs": 3}
