"""`python -m study.search recurring`: its help, its errors and its summary."""

import pytest

from study.record.files import MWH
from study.search.__main__ import main
from study.search.recurring.command import lines
from tests.study.search.test_pausing_search import Folder, recurring


def test_help_explains_runs_and_leaves_out_options_of_a_search(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Options that have no meaning for a recurring job are not listed."""
    with pytest.raises(SystemExit) as ended:
        main(["recurring", "--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "trained again and again" in text
    assert "--runs" in text
    assert "--name" in text
    assert not any(word in text for word in ("--confirm", "--halving", "--no-cap", "--goal"))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--target", "0.8"), "--name is missing"),
        (("--name", "n"), "--target is missing"),
        (("--name", "n", "--target", "0.8", "--runs", "0"), "--runs is 0"),
    ],
)
def test_bad_input_is_refused(
    options: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 2, and the message names the option."""
    status = main(["recurring", *options])

    assert status == 2
    assert named in capsys.readouterr().err


def test_the_summary_has_the_cost_of_runs_and_the_next_setup() -> None:
    """It lists the runs in their order."""
    folder = Folder()
    search = folder.search(recurring(3))
    folder.run(search)

    [*runs, best, following] = lines(search, recurring(3), MWH)

    assert [line.partition(":")[0] for line in runs if line.startswith("run")] == [
        *("run 1", "run 2", "run 3"),
    ]
    assert best.startswith("cheapest so far: batch_size")
    assert following.startswith("next run: batch_size")


def test_the_summary_marks_runs_with_missing_readings() -> None:
    """Their energy is partly estimated from other epochs."""
    folder = Folder(unread=[2])
    search = folder.search(recurring(1))
    folder.run(search)

    [run, *_] = lines(search, recurring(1), MWH)

    assert "(1 epoch without a reading counted as the others)" in run
