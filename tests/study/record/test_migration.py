"""Names of version 0.1."""

import json
import re
from pathlib import Path

import pytest

from study.record.manifest import Manifest
from study.record.migration import (
    EARLIER,
    RENAMED_OPTIONS,
    SCHEMA_VERSION,
    migrated_columns,
    migrated_row,
    renamed_option,
    with_present_names,
    with_scenario_options,
)
from tests.study.record.test_manifest import MANIFEST


def test_an_old_manifest_has_its_options_under_their_present_names() -> None:
    """A search of version 0.1 goes on, and is analysed, with the goal it had."""
    raw = json.loads(MANIFEST.to_json())
    raw |= {"schema_version": 2, "options": {"objective": "accuracy", "max_epochs": 3}}

    read = Manifest.from_json(json.dumps(raw))

    assert read.options == {"goal": "accuracy", "max_epochs": 3}
    assert read.schema_version == SCHEMA_VERSION


def test_an_old_table_has_its_columns_under_their_present_names() -> None:
    """Its accuracies are scores, and metrics by name; the columns of two tasks are metrics alone."""
    old = {
        "epoch": (1, 2),
        "val_accuracy": (0.5, 0.75),
        "val_accuracy_attributes": (0.25, None),
        "val_accuracy_identity": (None, None),
    }

    assert migrated_columns(old) == {
        "epoch": (1, 2),
        "val_score": (0.5, 0.75),
        "val_metrics": [
            '{"accuracy": 0.5, "attributes/accuracy": 0.25}',
            '{"accuracy": 0.75}',
        ],
    }
    assert migrated_columns({"best_val_accuracy": (0.5,)}) == {"best_val_score": (0.5,)}


def test_an_old_row_is_the_row_of_an_old_table() -> None:
    """A line of `result.json` is one."""
    assert migrated_row({"epoch": 1, "val_accuracy": 0.5}) == {
        "epoch": 1,
        "val_score": 0.5,
        "val_metrics": '{"accuracy": 0.5}',
    }


def test_a_table_of_the_present_schema_stays_as_it_is() -> None:
    """Also its metrics, which an old one has not."""
    row = {"epoch": 1, "val_score": 0.5, "val_metrics": "{}"}

    assert migrated_row(row) == row
    assert migrated_columns({name: (value,) for name, value in row.items()}) == {
        name: (value,) for name, value in row.items()
    }


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({"tracker": "nvml"}, {"tracker": ["nvml"]}),
        ({"tracker": ["nvml", "rapl"]}, {"tracker": ["nvml", "rapl"]}),
        ({"tracker": None, "target_accuracy": 0.9}, {"tracker": None, "target": 0.9}),
        ({"scenario": "examples.watch:Watch"}, {"scenario": "watch"}),
        ({"scenario": "mine.py:Watch"}, {"scenario": "mine.py:Watch"}),
    ],
)
def test_an_old_option_has_its_present_name_and_form(
    was: dict[str, object], now: dict[str, object]
) -> None:
    """`--tracker` took one source, and takes several now; the watch was an example."""
    assert with_present_names(was) == now


def test_options_of_a_scenario_are_options() -> None:
    """As version 0.1 wrote them; a study without any has its own alone."""
    own = {"max_epochs": 3, "scenario_options": {"people": 4}}

    assert with_scenario_options(own) == {"max_epochs": 3, "people": 4}
    assert with_scenario_options({"max_epochs": 3, "scenario_options": None}) == {"max_epochs": 3}
    assert with_scenario_options({"max_epochs": 3}) == {"max_epochs": 3}


@pytest.mark.parametrize(
    ("kinds", "scope"),
    [(["cpu"], "components"), (["gpu"], "accelerator"), (["cpu", "gpu"], "accelerator")],
)
def test_an_old_study_is_ranked_by_what_it_had_measured(kinds: list[str], scope: str) -> None:
    """Its accelerators, or its CPU where no machine had another device."""
    raw = json.loads(MANIFEST.to_json())
    [device] = raw["nodes"][0]["devices"]
    raw["nodes"][0]["devices"] = [{**device, "kind": kind} for kind in kinds]
    raw |= {"schema_version": 2, "options": {}}
    del raw["energy_of"]

    assert Manifest.from_json(json.dumps(raw)).energy_of == scope


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


@pytest.mark.parametrize(
    ("word", "present"),
    [
        ("--target-accuracy=0.9", {"target"}),
        ("--target_accuracy", {"target", "tolerance"}),
    ],
)
def test_studies_and_reports_answer_an_old_option_alike(word: str, present: set[str]) -> None:
    """Of what the command has; another program's words are its own."""
    said = renamed_option(["results/a", word, "0.9"], present)

    assert said == (
        "--target-accuracy was renamed to --target in version 0.2. Give --target instead."
    )
    assert renamed_option([word], {"tolerance"}) is None
    assert renamed_option(["target_accuracy", "--tolerance"], present) is None
