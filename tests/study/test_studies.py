"""Options of `run_study` that no study can be made of."""

from pathlib import Path
from typing import Any

import pytest

from study import studies
from study.__main__ import COMMANDS
from study.design import StudyOutcome
from study.errors import OptionError
from study.execution import launch
from study.record.vocabulary import Paradigm
from study.store.folder import StudyFolder
from study.studies import GRIDS, SEARCH, run_study


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_sizes": 3}, "batch_sizes is 3; allowed: a list"),
        ({"repeats": "two"}, "repeats is 'two'; allowed: a number"),
        ({"batch_size": [3]}, "no option 'batch_size'; did you mean batch_sizes?"),
    ],
)
def test_a_value_of_another_kind_is_named(given: dict[str, Any], said: str) -> None:
    """With its option, before anything starts."""
    with pytest.raises(OptionError) as refused:
        run_study("regime", scenario="watch", **given)

    assert said in str(refused.value)


def test_every_paradigm_is_known_to_programs_and_has_a_command() -> None:
    """A new kind of study has its lines in both tables."""
    assert {each.value for each in Paradigm} == {*GRIDS, SEARCH}
    assert {each.value for each in Paradigm} <= set(COMMANDS)


@pytest.mark.parametrize("given", [{}, {"report": False}, {"no_report": True}])
def test_no_report_is_written_where_none_is_wanted(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the words of programs, and in those of the command."""
    folder = StudyFolder(str(tmp_path), "s")
    outcome = StudyOutcome(folder=folder, failed=(), unfinished=0)
    monkeypatch.setattr(launch, "run_study", lambda *_, **__: outcome)
    monkeypatch.setattr(studies, "_answer", lambda *_: {"text": "Use setup 1."})

    result = run_study("regime", scenario="watch", **given)

    assert result.recommendation == (None if given else "Use setup 1.")
