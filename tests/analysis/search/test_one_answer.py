"""Agreement between the answer of a search and the recommendation, ranking and page."""

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
    """Findings of a search: setup 1 is cheap, setup 2 is the most accurate, setup 3 is dominated by 2."""
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
    """Setup 1 needs a third of the energy, but is 2 points less accurate."""
    found = findings_of(tmp_path, "accuracy")

    search = found.paradigm.search
    assert search is not None
    text = search_text(search, found.study.manifest, (), WH)
    assert "The search recommends setup 2." in text
    assert found.recommendation.setup == 2
    assert found.ranking.rows[0].setup.setup == 2
    assert not any("setup 1" in each for each in found.recommendation.caveats)


def test_a_search_without_any_reading_is_described_in_a_sentence(tmp_path: Path) -> None:
    """The sentence replaces the energies that the text otherwise states."""
    found = findings_of(tmp_path, "accuracy")
    assert found.paradigm.search is not None
    search = replace(found.paradigm.search, spent_j=None, grid_j=None, missing_epochs=6)

    text = search_text(search, found.study.manifest, (), WH)

    assert "The search recommends setup 2. No epoch of the search has an energy. " in text


@pytest.mark.parametrize(("goal", "stated"), [("accuracy", False), ("accuracy-energy", True)])
def test_page_and_advice_agree_whether_to_state_a_probability(
    goal: str, *, stated: bool, tmp_path: Path
) -> None:
    """A search for one answer has its own probability, so neither states that of the ranking."""
    found = findings_of(tmp_path, goal)

    names = [each.name for each in key_figures(found)]

    assert ("With a probability of" in found.recommendation.text) is stated
    assert ("probability that it is right" in names) is stated


def test_a_search_for_a_front_recommends_a_setup_of_the_front(tmp_path: Path) -> None:
    """The text says that the setup is one of the front."""
    found = findings_of(tmp_path, "accuracy-energy")

    search = found.paradigm.search
    assert search is not None
    assert set(search.answer) == {1, 2}
    assert found.recommendation.setup in search.answer
    assert found.recommendation.text.startswith("Of the front, use batch size 64")


@pytest.mark.parametrize("goal", ["accuracy", "accuracy-energy"])
def test_each_setup_has_a_place_of_its_own(tmp_path: Path, goal: str) -> None:
    """Every setup is in the ranking once, with places from 1 on."""
    rows = findings_of(tmp_path, goal).ranking.rows

    assert sorted(row.setup.setup for row in rows) == [1, 2, 3]
    assert [row.place for row in rows] == [1, 2, 3]
