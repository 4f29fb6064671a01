"""`python -m study.search recurring`: what its help teaches, what it refuses, and what it says."""

import pytest

from study.record.files import MWH
from study.search.__main__ import main
from study.search.recurring.command import lines
from tests.study.search.test_pausing_search import Folder, recurring


def test_help_says_what_a_run_is_and_where_the_memory_lies(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without the options of a search that mean nothing here."""
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
def test_bad_input_is_named(
    options: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything starts, with exit status 2."""
    status = main(["recurring", *options])

    assert status == 2
    assert named in capsys.readouterr().err


def test_it_says_what_runs_have_cost_and_what_comes_next() -> None:
    """In the order of the runs."""
    folder = Folder()
    search = folder.search(recurring(3))
    folder.run(search)

    [*runs, best, following] = lines(search, recurring(3), MWH)

    assert [line.partition(":")[0] for line in runs if line.startswith("run")] == [
        *("run 1", "run 2", "run 3"),
    ]
    assert best.startswith("cheapest so far: batch_size")
    assert following.startswith("next run: batch_size")


def test_it_says_where_a_run_is_without_readings() -> None:
    """What it shows is then in part taken from the other epochs."""
    folder = Folder(unread=[2])
    search = folder.search(recurring(1))
    folder.run(search)

    [run, *_] = lines(search, recurring(1), MWH)

    assert "(1 epoch without a reading counted as the others)" in run
