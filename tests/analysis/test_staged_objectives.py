"""Pretraining and multitask studies whose objective is minimised or is not a share."""

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import Options, run
from analysis.findings import Findings, analyse
from analysis.page.report import write_report
from analysis.page.sections import key_figures
from analysis.read.load import load
from study.record.files import J_PER_WH
from study.record.objective import ACCURACY, Objective
from study.record.vocabulary import Paradigm, Stage
from tests.analysis.staged_study import PRETRAINING, TASKS
from tests.analysis.study_folder import DATA, grid, staged, write_study
from tests.analysis.without_figures import without_figures

RMSE = Objective("rmse", mode="min")
RETURN = Objective("return", mode="max")
ERROR = Objective("error_rate", mode="min", is_share=True)

FROZEN, UNFROZEN, SCRATCH = PRETRAINING[1:]
PRETRAINING_WH = dict(zip(PRETRAINING, (8.0, 2.0, 9.0, 4.0), strict=True))
MULTITASK_WH = dict(zip(TASKS, (3.0, 2.0, 1.0), strict=True))


def study_of(
    folder: Path,
    objective: Objective,
    energies_wh: Mapping[Any, float],
    *,
    scores: Mapping[Any, float],
    heads: Mapping[Any, tuple[float | None, float | None]] | None = None,
) -> Path:
    """Write a study of one setup whose stages have these energies and objective values."""
    paradigm = Paradigm.MULTITASK if Stage.BOTH in energies_wh else Paradigm.PRETRAINING
    trial = staged(
        1,
        {stage: [wh * J_PER_WH] for stage, wh in energies_wh.items()},
        accuracies=scores,
        heads=heads,
    )
    data = replace(DATA, classes=(), chance_accuracy=None)
    manifest = {
        "paradigm": paradigm,
        "stages": tuple(energies_wh),
        "objective": objective,
        "data": data,
    }
    return write_study(folder, grid([64], [0.1]), [trial], manifest=manifest)


def pretraining(
    folder: Path, objective: Objective, *, frozen: float, scratch: float
) -> tuple[Path, Findings]:
    """Write and analyse a study in which pretraining pays after four trainings."""
    scores = {FROZEN: frozen, UNFROZEN: scratch, SCRATCH: scratch}
    study = study_of(folder, objective, PRETRAINING_WH, scores=scores)
    return study, analyse(load(study))


def multitask(
    folder: Path, objective: Objective, *, alone: tuple[float, float], both: tuple[float, float]
) -> tuple[Path, Findings]:
    """Write and analyse a study in which training together saves four fifths of the energy."""
    heads = {"attributes": (alone[0], None), "identity": (None, alone[1]), Stage.BOTH: both}
    scores = {"attributes": alone[0], "identity": alone[1], Stage.BOTH: sum(both) / 2}
    study = study_of(folder, objective, MULTITASK_WH, scores=scores, heads=heads)
    return study, analyse(load(study))


@pytest.mark.parametrize(
    ("objective", "frozen", "scratch", "expected"),
    [
        (RMSE, 2.2, 2.0, "but is worse by 0.2 in rmse on average against it: more than the 1 % "),
        (RMSE, 1.5, 2.0, "over 1 setup, and is better by 0.5 in rmse on average against it."),
        (RMSE, 2.001, 2.0, "and is as good in rmse as training from scratch within 0.5 % (relative)."),
        (RETURN, 150.0, 200.0, "but is worse by 50 in return on average against it"),
        (ERROR, 0.15, 0.1, "but is worse by 5.0 points in error_rate on average against it: more than"),
        (ACCURACY, 0.88, 0.9, "but gives up 2.0 points of accuracy on average against it"),
    ],
)  # fmt: skip
def test_pretraining_advice_states_the_loss_in_the_objective(
    objective: Objective, frozen: float, scratch: float, expected: str, tmp_path: Path
) -> None:
    """A change counts as worse by the objective's direction and is given in its unit."""
    _, findings = pretraining(tmp_path / "a", objective, frozen=frozen, scratch=scratch)

    assert expected in findings.recommendation.text


@pytest.mark.parametrize(
    ("objective", "alone", "both", "expected", "keys"),
    [
        (RMSE, (2.0, 1.0), (2.2, 0.5), "; rmse is 0.2 worse in attributes and 0.5 better in identity",
         ["0.2 worse", "0.5 better"]),
        (RETURN, (200.0, 10.0), (150.0, 12.0), "; return is 50 worse in attributes and 2 better in",
         ["50 worse", "2 better"]),
        (RMSE, (2.0, 1.0), (2.001, 1.001), ", at the same values of rmse within 0.5 % (relative).",
         ["0.001 worse", "0.001 worse"]),
        (ACCURACY, (0.9, 0.8), (0.85, 0.82), "; accuracy changes by -5.0 points in attributes and +2.0",
         ["-5.0 points", "+2.0 points"]),
    ],
)  # fmt: skip
def test_multitask_advice_states_the_loss_in_the_objective(
    objective: Objective,
    alone: tuple[float, float],
    both: tuple[float, float],
    expected: str,
    keys: list[str],
    tmp_path: Path,
) -> None:
    """The text and the key figures give the change of each task."""
    _, findings = multitask(tmp_path / "a", objective, alone=alone, both=both)

    assert expected in findings.recommendation.text
    assert [key.value for key in key_figures(findings)][1:] == keys
    assert key_figures(findings)[1].name == f"{objective.name} of attributes"


def only_row(path: Path) -> dict[str, str]:
    """The only row of a CSV file."""
    (row,) = csv.DictReader(path.open())
    return row


@pytest.mark.slow
def test_reports_of_an_error_objective_have_no_percentage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Terminal, page and tables use the objective's name and unit and never mention accuracy."""
    one, frozen_findings = pretraining(tmp_path / "one", RMSE, frozen=2.2, scratch=2.0)
    two, apart_findings = multitask(tmp_path / "two", RMSE, alone=(2.0, 1.0), both=(2.2, 0.5))
    studies = (frozen_findings, apart_findings)

    run(Options(results=(one, two), report=False))
    pages = [write_report(each, drawn_by=without_figures).read_text() for each in studies]

    page_texts = [re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL) for page in pages]
    texts = [capsys.readouterr().out, *page_texts]
    for text in texts:
        assert "accura" not in text.lower()
        assert "percentage point" not in text
        assert not re.search(r"\bpoints\b", text)
    frozen = only_row(one / "report" / "frozen_encoder.csv")
    assert float(frozen["rmse_given_up"]) == pytest.approx(0.2)
    together = only_row(two / "report" / "multitask.csv")
    assert float(together["attributes_given_up"]) == pytest.approx(0.2)
    assert float(together["identity_given_up"]) == pytest.approx(-0.5)
