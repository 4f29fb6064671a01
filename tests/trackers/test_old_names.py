"""Names of version 0.2, which give the present name."""

import copy
import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from study.callbacks.training_meter import TrainingMeter
from tests.trackers.scripted import ScriptedSource
from trackers import Component, Detection, Device, EnergyMeter
from trackers.clock import ManualClock

PAGE = (Path(__file__).parents[2] / "docs" / "upgrading.md").read_text(encoding="utf-8")
BOARD = Device(uuid="GPU-1", name="board", component=Component.GPU)
DETECTION = Detection(sources=(ScriptedSource(ManualClock()),), refused={})
DEVICE_NAMES = {
    "for_whoever_asks": "is_recording",
    "power_mean_s": "averaging_period_s",
    "told_each_s": "update_period_s",
}
NAMES = [
    *[(BOARD, old, new) for old, new in DEVICE_NAMES.items()],
    (DETECTION, "blind", "unmeasured_components"),
    (TrainingMeter(detection=DETECTION), "keep", "save_or_warn"),
]


@pytest.mark.parametrize(("thing", "old", "new"), NAMES)
def test_an_old_attribute_gives_its_present_name(thing: object, old: str, new: str) -> None:
    """The message names the class, and the present name is an attribute."""
    known = f"{type(thing).__name__}.{old} was renamed to {new} in version 0.3"

    with pytest.raises(AttributeError, match=f"^{re.escape(known)}"):
        getattr(thing, old)
    assert hasattr(thing, new)


@pytest.mark.parametrize(("old", "new"), DEVICE_NAMES.items())
def test_an_old_keyword_gives_its_present_name(old: str, new: str) -> None:
    """For a device that is made, and for one that is made of another."""
    values: dict[str, object] = {old: 1.0}
    message = f"^{old} of Device was renamed to {new} in version 0.3"

    with pytest.raises(TypeError, match=message):
        Device(uuid="a", name="b", component=Component.GPU, **values)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=message):
        replace(BOARD, **values)  # type: ignore[arg-type]


def test_an_old_power_source_gives_the_present_name() -> None:
    """By itself, in a list, and in a detection."""

    class Plug:
        name, note, estimated, counter_outlives = "plug", "as made up", False, False

    source: ScriptedSource = Plug()  # type: ignore[assignment]  # written for version 0.2
    message = r"^Plug\.counter_outlives was renamed to counter_persists in version 0\.3"

    for given in (source, [source], Detection(sources=(source,), refused={})):
        with pytest.raises(TypeError, match=message):
            EnergyMeter(given)


@pytest.mark.parametrize("given", [None, 5, [None], "nvml"])
def test_what_is_no_power_source_is_refused(given: object) -> None:
    """When the meter is made, and not when it first reads."""
    with pytest.raises(TypeError, match="allowed: a PowerSource, several, or the result of detect"):
        EnergyMeter(given)  # type: ignore[arg-type]


def test_an_unknown_name_is_as_unknown_as_ever() -> None:
    """Python's own words stay where we know nothing."""
    with pytest.raises(AttributeError, match=r"^'Device' object has no attribute 'colour'$"):
        getattr(BOARD, "colour")  # noqa: B009 - mypy knows that it is unknown
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        replace(BOARD, colour="red")  # type: ignore[call-arg]


def test_a_device_is_still_copied_and_pickled() -> None:
    """Trackers send devices between processes."""
    assert copy.deepcopy(BOARD) == pickle.loads(pickle.dumps(BOARD)) == BOARD  # noqa: S301 - its own


def test_the_page_on_upgrading_has_the_names_of_these_tests() -> None:
    """In a row of its table, the old name before the present one."""
    renamed = [(old, new) for _, old, new in NAMES] + [("counter_outlives", "counter_persists")]
    rows = PAGE.splitlines()

    assert [
        old
        for old, new in renamed
        if not any(re.search(rf"{old}`.*\|.*{new}`", row) for row in rows)
    ] == []
