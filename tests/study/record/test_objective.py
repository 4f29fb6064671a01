"""Comparison of scores, and metrics as a row holds them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.objective import ACCURACY, Mode, Objective, metrics_of, metrics_text

SCORES = st.floats(-1e6, 1e6)


@given(SCORES, SCORES, st.sampled_from(["max", "min"]))
def test_the_better_of_two_scores_is_the_best_and_reaches_the_other(
    one: float, other: float, mode: Mode
) -> None:
    """The objective's mode says whether more or less is better."""
    objective = Objective("m", mode)
    better = one > other if mode == "max" else one < other

    assert objective.best([other, None, math.nan, one]) == (one if better else other)
    assert objective.reaches(one, other) == (better or one == other)


@pytest.mark.parametrize(
    ("score", "target"), [(None, 0.5), (0.5, None), (math.nan, 0.5), (None, None)]
)
def test_an_unknown_score_or_target_is_never_reached(
    score: float | None, target: float | None
) -> None:
    """Neither NaN as a score nor a target that was not set counts as reached."""
    assert not ACCURACY.reaches(score, target)
    assert ACCURACY.best([None, math.nan]) is None


@pytest.mark.parametrize(("name", "mode"), [("", "max"), ("loss", "least")])
def test_an_invalid_objective_is_refused(name: str, mode: Mode) -> None:
    """It has no name, or a mode other than `max` and `min`."""
    with pytest.raises(ValueError, match=r"the objective"):
        Objective(name, mode)


def test_an_objective_has_a_text_and_a_name_for_each_task() -> None:
    """The name for a task is that of the task's metric."""
    loss = Objective("loss", "min")

    assert (str(loss), loss.of_task("identity")) == ("loss (min)", "identity/loss")


@given(st.dictionaries(st.sampled_from(["b", "a", "task/a"]), st.none() | st.floats(), max_size=3))
def test_a_row_holds_only_finite_metrics(metrics: dict[str, float | None]) -> None:
    """They are in order of their names; without any there is no text."""
    known = {k: v for k, v in metrics.items() if v is not None and math.isfinite(v)}

    text = metrics_text(metrics)

    assert (text is None) == (not known)
    assert metrics_of(text) == known
    assert list(metrics_of(text)) == sorted(known)
