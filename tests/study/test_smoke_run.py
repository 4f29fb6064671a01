"""Smoke runs: small, except for options that are given."""

from dataclasses import dataclass
from typing import TypeVar

import pytest

from study.command.parsing import parse
from study.data.celeba.options import CelebaOptions
from study.errors import OptionError
from study.options import StudyOptions
from study.repeats.options import ComparisonOptions
from study.search.options import SearchOptions
from study.studies import _options

Options = TypeVar("Options", bound=StudyOptions)


def smoke_of(kind: type[Options], *args: str) -> Options:
    """Options of a command line with --smoke."""
    return parse(kind, program="study.regime", description="", args=("--smoke", *args))


def test_a_smoke_run_is_small() -> None:
    """It has four setups, one repeat and three epochs; without `--smoke` nothing is changed."""
    whole = StudyOptions(max_epochs=30)
    smoke = StudyOptions(smoke=True, max_epochs=30)

    assert smoke.reduced() == StudyOptions(
        smoke=True, batch_sizes=(64, 256), learning_rates=(0.1, 0.01), repeats=1, max_epochs=3
    )
    assert whole.reduced() == whole


def test_a_smoke_run_is_never_larger_than_requested() -> None:
    """Options are only reduced, and reducing them twice changes nothing."""
    requested = StudyOptions(smoke=True, batch_sizes=(8,), max_epochs=1)

    reduced = requested.reduced()

    assert (reduced.batch_sizes, reduced.max_epochs) == ((8,), 1)
    assert reduced == reduced.reduced()


@pytest.mark.parametrize(
    ("args", "option", "value"),
    [
        (("--max-epochs", "30"), "max_epochs", 30),
        (("--max_epochs=5",), "max_epochs", 5),
        (("--repeats", "2"), "repeats", 2),
        (("--batch-sizes", "8", "16", "32"), "batch_sizes", (8, 16, 32)),
        (("--learning-rates", "0.1", "0.2", "0.3"), "learning_rates", (0.1, 0.2, 0.3)),
        (("--sure", "0.9", "--repeats", "3"), "repeats", 3),
        (("--sure", "0.9"), "repeats", 2),
        (("--more-repeats", "4"), "more_repeats", 4),
    ],
)
def test_a_given_option_holds_in_a_smoke_run(
    args: tuple[str, ...], option: str, value: object
) -> None:
    """It holds even if it equals the default; the other options are reduced."""
    smoke = smoke_of(ComparisonOptions, *args)

    assert getattr(smoke, option) == value
    assert option == "max_epochs" or smoke.max_epochs == 3


def test_sure_with_one_repeat_is_refused_in_a_smoke_run_too() -> None:
    """The given `--repeats 1` is not silently raised to two."""
    with pytest.raises(OptionError, match="--sure is given with --repeats 1"):
        smoke_of(ComparisonOptions, "--sure", "0.9", "--repeats", "1")


def test_a_given_option_of_a_scenario_holds_in_a_smoke_run() -> None:
    """The scenario reduces its other options."""

    @dataclass(frozen=True)
    class Own:
        samples: int = 1000
        width: int = 64

        def reduced(self) -> "Own":
            return Own(samples=10, width=8)

    smoke = StudyOptions(smoke=True, scenario_options=Own())

    assert smoke.reduced({"samples"}).scenario_options == Own(samples=1000, width=8)


@pytest.mark.parametrize(("args", "size"), [((), 32), (("--image-size", "96"), 96)])
def test_a_smoke_run_reduces_the_scenario_too(args: tuple[str, ...], size: int) -> None:
    """Images are small unless a size is given."""
    smoke = smoke_of(StudyOptions, "--scenario", "celeba", *args)

    assert smoke.scenario_options.pixels == size


@pytest.mark.parametrize(("args", "trials"), [((), 3), (("--trials", "7"), 7)])
def test_a_smoke_search_has_three_trials_by_default(args: tuple[str, ...], trials: int) -> None:
    """A given number of trials holds."""
    assert smoke_of(SearchOptions, "--goal", "accuracy", *args).trials == trials


def test_options_given_by_a_program_hold_in_a_smoke_run_too() -> None:
    """The others are reduced, and the scenario gets its reduced options."""
    given = {"smoke": True, "max_epochs": 30, "repeats": 2}

    options, faces = _options(ComparisonOptions, "celeba", given)

    assert (options.max_epochs, options.repeats, options.batch_sizes) == (30, 2, (64, 256))
    assert vars(faces)["_options"] == options.scenario_options == CelebaOptions(image_size=32)
