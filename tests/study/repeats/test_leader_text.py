"""What a study says when it trains a setup once more."""

import pytest

from study.repeats.deciding import Decision
from study.repeats.leader_text import leader_text

LEADS = Decision(answer=1, right=0.52, repeat=2)


def test_the_first_line_says_what_is_probable_and_that_it_may_fall() -> None:
    """Whoever reads it for the first time knows of what the number is."""
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
    """Another leader, or the same with another probability."""
    assert leader_text(now, 4, before=LEADS) == line


def test_what_is_nearly_sure_is_not_said_to_be_100_percent() -> None:
    """99.6 % of the draws; the report of the same study says over 99 %, and so does this line."""
    first = leader_text(Decision(answer=1, right=0.996, repeat=2), 3, before=None)
    then = leader_text(Decision(answer=1, right=1.0, repeat=2), 3, before=LEADS)

    assert "with a probability of over 99 % it is" in first
    assert "with over 99 %, 52 % before" in then
