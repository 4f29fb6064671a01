"""Writing and reading the manifest, study.json."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.record.manifest import (
    DataFacts,
    DeviceFacts,
    Manifest,
    NodeFacts,
    SetupFacts,
)
from study.record.migration import SCHEMA_VERSION
from study.record.vocabulary import EnergyMethod, Paradigm

MANIFEST = Manifest(
    study="a",
    paradigm=Paradigm.REGIME,
    scenario="watch",
    status="running",
    started_at="2026-01-01T00:00:00+00:00",
    finished_at=None,
    setup_time_s=3.5,
    command=("python", "-m", "study.regime", "--smoke"),
    options={"batch_sizes": [64, 256], "cpu_watts": None, "smoke": True},
    versions={"python": "3.11"},
    git_commit=None,
    data=DataFacts(
        synthetic=False,
        description="exercises, Kraków",
        fingerprint="f",
        train_samples=10,
        val_samples=5,
        classes=("lift", "turn"),
        chance_accuracy=0.6,
    ),
    setups=(SetupFacts(setup=1, batch_size=64, learning_rate=0.1),),
    seeds=(0, 1),
    nodes=(
        NodeFacts(
            hostname="one",
            cpus=2,
            gpus=0,
            source="estimate",
            method=EnergyMethod.ESTIMATED,
            note="5 W",
            refused={"nvml": "no driver"},
            devices=(
                DeviceFacts(
                    uuid="cpu:one",
                    name="CPU",
                    kind="cpu",
                    power_limit_w=None,
                    idle_power_w=None,
                    driver=None,
                ),
            ),
        ),
        NodeFacts(
            hostname="two",
            cpus=2,
            gpus=0,
            source=None,
            method=None,
            note="",
            refused={},
            devices=(),
        ),
    ),
    warnings=("mind this",),
)


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST,
        replace(MANIFEST, nodes=(), warnings=(), finished_at="2026-01-02T00:00:00+00:00"),
    ],
)
def test_a_manifest_survives_conversion_to_json(manifest: Manifest) -> None:
    """It is read back equal, tuples and enum members included."""
    again = Manifest.from_json(manifest.to_json())

    assert manifest == again
    assert again.paradigm is Paradigm.REGIME


def test_paths_among_the_options_are_text() -> None:
    """Options may hold paths, which JSON does not have."""
    manifest = replace(MANIFEST, options={"data_dir": Path("data/pamap2")})

    again = Manifest.from_json(manifest.to_json())

    assert again.options == {"data_dir": "data/pamap2"}


def without(name: str) -> Callable[[dict[str, Any]], object]:
    """Return a function that removes a field of the manifest."""
    return lambda raw: raw.pop(name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda raw: raw.update(schema_version=SCHEMA_VERSION + 1), r"schema version 4; .*reads"),
        (without("schema_version"), "schema version None"),
        (without("seeds"), "`seeds`"),
        (without("status"), "`status`"),
        (lambda raw: raw["data"].pop("fingerprint"), "`fingerprint`"),
        (lambda raw: raw["nodes"][0].pop("method"), "`method`"),
        (lambda raw: raw["nodes"][0]["devices"][0].pop("uuid"), "`uuid`"),
        (lambda raw: raw.update(paradigm="astrology"), "'astrology'"),
    ],
)
def test_a_manifest_of_another_form_is_refused(
    spoil: Callable[[dict[str, Any]], object], message: str
) -> None:
    """The error is always a ValueError that names the version, the field or the word."""
    raw = json.loads(MANIFEST.to_json())
    spoil(raw)

    with pytest.raises(ValueError, match=message):
        Manifest.from_json(json.dumps(raw))


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "Expecting value"), ("[1, 2]", "schema version 'list'"), ('{"study": ', "Expecting")],
)
def test_a_file_that_is_no_manifest_is_refused(text: str, message: str) -> None:
    """An empty, truncated or foreign file is a ValueError, too."""
    with pytest.raises(ValueError, match=message):
        Manifest.from_json(text)


def test_texts_of_a_manifest_have_no_control_characters() -> None:
    """The folder may come from somebody else, and its texts are printed on a terminal."""
    planted = replace(MANIFEST, scenario="watch\x1b]0;owned\x07", warnings=("a\x9b2Jb",))

    read = Manifest.from_json(planted.to_json())

    assert read.scenario == "watch]0;owned"
    assert read.warnings == ("a2Jb",)
