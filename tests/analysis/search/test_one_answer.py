"""The recommendation of a search is its answer: nothing below it names another setup."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.findings import Findings, analyse
from analysis.page.sections import key_figures
from analysis.read.load import load
from analysis.search.tables import search_text
from study.record.files import WH
from study.record.vocabulary import Paradigm
from tests.analysis.study_folder import constant, grid, write_study


def findings_of(folder: Path, goal: str) -> Findings:
    """Setup 1 is cheap and 2 points short, setup 2 dear and best, setup 3 in all behind setup 2."""
    trials = [
        constant(n, e, a, seed=seed)
        for n, e, a in ((1, 10.0, 0.88), (2, 30.0, 0.90), (3, 40.0, 0.89))
        for seed in (0, 1)
    ]
    manifest = {
        "paradigm": Paradigm.SEARCH,
        "options": {"goal": goal, "max_epochs": 30, "target": None},
    }
    written = write_study(folder / "a", grid([64], [0.1, 0.01, 0.001]), trials, manifest=manifest)
    return analyse(load(written))


def test_a_search_for_accuracy_recommends_the_most_accurate_setup(tmp_path: Path) -> None:
    """A third of the energy for 2 points less is not what was asked for."""
    found = findings_of(tmp_path, "accuracy")

    search = found.paradigm.search
    assert search is not None
    said = search_text(search, found.study.manifest, (), WH)
    assert "The search recommends setup 2." in said
    assert found.recommendation.setup == 2
    assert found.ranking.rows[0].setup.setup == 2
    assert not any("setup 1" in each for each in found.recommendation.caveats)


def test_a_search_without_a_reading_says_so_in_a_sentence(tmp_path: Path) -> None:
    """It used "not known in epochs", and all setups "would use nobody can tell"."""
    found = findings_of(tmp_path, "accuracy")
    assert found.paradigm.search is not None
    search = replace(found.paradigm.search, spent_j=None, grid_j=None, missing_epochs=6)

    said = search_text(search, found.study.manifest, (), WH)

    assert "The search recommends setup 2. No epoch of the search has an energy. " in said


@pytest.mark.parametrize(("goal", "said"), [("accuracy", False), ("accuracy-energy", True)])
def test_the_page_states_the_probability_that_the_advice_states(
    goal: str, *, said: bool, tmp_path: Path
) -> None:
    """A search with one answer has its own: to be cheap within a point of the best is not what it was after."""
    found = findings_of(tmp_path, goal)

    names = [each.name for each in key_figures(found)]

    assert ("With a probability of" in found.recommendation.text) is said
    assert ("probability that it is right" in names) is said


def test_of_a_front_the_setup_is_recommended_that_the_ranking_prefers(tmp_path: Path) -> None:
    """It is one of the front, and that is said."""
    found = findings_of(tmp_path, "accuracy-energy")

    search = found.paradigm.search
    assert search is not None
    assert set(search.answer) == {1, 2}
    assert found.recommendation.setup in search.answer
    assert found.recommendation.text.startswith("Of the front, use batch size 64")


@pytest.mark.parametrize("goal", ["accuracy", "accuracy-energy"])
def test_the_first_place_is_one_place(tmp_path: Path, goal: str) -> None:
    """Every setup stands in the ranking once, numbered from 1."""
    rows = findings_of(tmp_path, goal).ranking.rows

    assert sorted(row.setup.setup for row in rows) == [1, 2, 3]
    assert [row.place for row in rows] == [1, 2, 3]
