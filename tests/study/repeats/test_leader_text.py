"""Text about the leading setup, which a study prints with each further repeat."""

import pytest

from study.repeats.deciding import Decision
from study.repeats.leader_text import leader_text

LEADS = Decision(answer=1, right=0.52, repeat=2)


def test_the_first_line_explains_the_probability() -> None:
    """It says what the probability refers to, and that it may fall."""
    line = leader_text(LEADS, 3, before=None)

    assert line == (
        "setup 1 leads: with a probability of 52 % it is good enough and within 5 % of the least energy. The "
        "probability can fall as results come in; next: repeat 3 of setup 2, the most informative run"
    )


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (
            Decision(answer=1, right=0.11, repeat=2),
            "setup 1 leads, with 11 %, 52 % before; next: repeat 4 of setup 2",
        ),
        (LEADS, "setup 1 leads, as before with 52 %; next: repeat 4 of setup 2"),
        (
            Decision(answer=3, right=0.30, repeat=1),
            "setup 3 leads now, with 30 %; setup 1, with 52 % before, no longer does; next: repeat 4 of setup 1",
        ),
    ],
)
def test_each_further_line_says_what_has_changed(now: Decision, line: str) -> None:
    """It names a new leader or a new probability, or says that both are as before."""
    assert leader_text(now, 4, before=LEADS) == line


def test_a_near_certain_answer_is_not_shown_as_100_percent() -> None:
    """99.6 % of the draws are shown as over 99 %, as in the study's report."""
    first = leader_text(Decision(answer=1, right=0.996, repeat=2), 3, before=None)
    then = leader_text(Decision(answer=1, right=1.0, repeat=2), 3, before=LEADS)

    assert "with a probability of over 99 % it is" in first
    assert "with over 99 %, 52 % before" in then
