"""Tune trials that restart a training of an earlier session."""

from typing import Any

import pytest

from study.record.tune_restarts import EarlierTrial, restarts
from study.record.tune_rows import SetupNumbers

FAILED, FINISHED = False, True


def earlier(book: SetupNumbers, **trials: tuple[dict[str, Any], bool]) -> list[EarlierTrial]:
    """Return trials of an earlier session, from configurations and whether they finished."""
    found = []
    for trial_id, (config, has_finished) in trials.items():
        plan = book.plan(trial_id, config)
        found.append(
            EarlierTrial(
                trial_id=trial_id,
                setup=plan.setup.setup,
                seed=plan.seed,
                has_finished=has_finished,
            )
        )
    return found


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param({"b": {"lr": 1, "seed": 7}}, {"a": "b"}, id="the same configuration"),
        pytest.param({"b": {"lr": 2, "seed": 7}}, {}, id="another setup"),
        pytest.param({"b": {"lr": 1, "seed": 8}}, {}, id="another seed"),
        pytest.param({"a": {"lr": 1, "seed": 7}, "b": {"lr": 1, "seed": 7}}, {}, id="still listed"),
    ],
)
def test_a_restarted_trial_is_found_by_its_configuration(
    now: dict[str, dict[str, Any]], expected: dict[str, str]
) -> None:
    """Setup and seed must be the same; a failed trial that Tune still lists was not restarted."""
    book = SetupNumbers(seed_key="seed")
    failed = earlier(book, a=({"lr": 1, "seed": 7}, FAILED))

    assert restarts(now, failed, book) == expected


def test_a_finished_trial_is_not_restarted() -> None:
    """Its training is complete, even if Tune no longer lists it."""
    book = SetupNumbers(seed_key="seed")

    assert restarts({"b": {"lr": 1}}, earlier(book, a=({"lr": 1}, FINISHED)), book) == {}


def test_repeats_without_a_seed_are_matched_one_by_one() -> None:
    """Of three new trials, two restart the two lost ones, and the third is new."""
    book = SetupNumbers(seed_key="seed")
    lost = earlier(book, a=({"lr": 1}, FAILED), b=({"lr": 1}, FAILED))

    found = restarts({each: {"lr": 1} for each in "xyz"}, lost, book)

    assert found == {"a": "x", "b": "y"}


def test_repeats_with_the_same_seed_are_matched_by_setup() -> None:
    """With `num_samples`, all have the configuration's seed, so it does not tell them apart."""
    book = SetupNumbers(seed_key="seed")
    config = {"lr": 1, "seed": 7}
    both = earlier(book, a=(config, FINISHED), b=(config, FAILED))

    assert restarts({"a": config, "x": config}, both, book) == {"b": "x"}
