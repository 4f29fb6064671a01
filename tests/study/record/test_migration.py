"""Names of version 0.1."""

import json
import re
from pathlib import Path

from study.record.manifest import Manifest
from study.record.migration import EARLIER, RENAMED_OPTIONS
from tests.study.record.test_manifest import MANIFEST


def test_an_old_manifest_has_its_options_under_their_present_names() -> None:
    """A search of version 0.1 goes on, and is analysed, with the goal it had."""
    raw = json.loads(MANIFEST.to_json())
    raw |= {"schema_version": 2, "options": {"objective": "accuracy", "max_epochs": 3}}

    read = Manifest.from_json(json.dumps(raw))

    assert read.options == {"goal": "accuracy", "max_epochs": 3}


ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "upgrading.md").read_text(encoding="utf-8")


def test_the_page_on_upgrading_has_every_name_that_is_answered() -> None:
    """Options and columns of version 0.1 stand there as a user wrote them."""
    options = {f"--{name.replace('_', '-')}" for name in RENAMED_OPTIONS}

    assert [name for name in {*options, *EARLIER} if name not in PAGE] == []


def test_the_page_on_upgrading_names_modules_that_are_there() -> None:
    """Those of version 0.2, in the last column of its table of imports."""
    rows = PAGE.partition("## Imports")[2].splitlines()
    named = {
        name
        for row in rows
        if row.startswith("| `")
        for name in re.findall(r"`([a-z0-9_.]+)`", row.split("|")[2])
    }

    files = [ROOT / f"{name.replace('.', '/')}.py" for name in sorted(named)]
    assert [file for file in files if not file.is_file()] == []
    assert len(named) > 10
