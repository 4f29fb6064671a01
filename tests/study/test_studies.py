"""`run_study`: its options, and the paradigms that it knows."""

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
    ("given", "message"),
    [
        ({"batch_sizes": 3}, "batch_sizes is 3; allowed: a list"),
        ({"repeats": "two"}, "repeats is 'two'; allowed: a number"),
        ({"batch_size": [3]}, "no option 'batch_size'; did you mean batch_sizes?"),
    ],
)
def test_a_wrong_option_or_value_is_refused(given: dict[str, Any], message: str) -> None:
    """The message names the option, its value and what is allowed."""
    with pytest.raises(OptionError) as refused:
        run_study("regime", scenario="watch", **given)

    assert message in str(refused.value)


def test_every_paradigm_is_known_to_programs_and_has_a_command() -> None:
    """A new kind of study has a line in both tables."""
    assert {each.value for each in Paradigm} == {*GRIDS, SEARCH}
    assert {each.value for each in Paradigm} <= set(COMMANDS)


@pytest.mark.parametrize("given", [{}, {"report": False}, {"no_report": True}])
def test_no_report_is_written_on_request(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both `report=False` and the command's `no_report=True` are accepted; there is no recommendation then."""
    folder = StudyFolder(str(tmp_path), "s")
    outcome = StudyOutcome(folder=folder, failed=(), unfinished=0)
    monkeypatch.setattr(launch, "run_study", lambda *_, **__: outcome)
    monkeypatch.setattr(studies, "_answer", lambda *_: {"text": "Use setup 1."})

    result = run_study("regime", scenario="watch", **given)

    assert result.recommendation == (None if given else "Use setup 1.")
