"""Studies whose objective is minimised or is not a share."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.__main__ import Options, run
from analysis.errors import AnalysisError
from analysis.findings import analyse
from analysis.forms.cells import csv_text
from analysis.forms.scores import ScoreForm
from analysis.ranking.criteria import RankBy
from analysis.read.load import load
from analysis.tables.setups import table_infos
from study.record.objective import Objective
from study.record.vocabulary import Paradigm
from tests.analysis.study_folder import DATA, Trial, epochs_of, grid, write_study

RMSE = Objective("rmse", mode="min")
PERPLEXITY = Objective("perplexity", mode="min")
RETURN = Objective("return", mode="max")

# For each setup, the energy of an epoch in joules and its best value relative to the best setup's.
# Setup 2 is within the tolerance of setup 1 and cheaper; setup 3 is the cheapest, and bad.
SETUPS = grid([64, 32, 16], [0.1])
ENERGIES_J = {1: 400.0, 2: 100.0, 3: 90.0}
FACTORS = {1: 1.0, 2: 1.005, 3: 2.0}


def study_of(folder: Path, objective: Objective, best: float, **manifest: object) -> Path:
    """Write a study of three setups with three repeats of three epochs, the second of which is the best."""
    sign = 1 if objective.mode == "min" else -1
    trials = [
        Trial(
            setup=number,
            seed=seed,
            attempts=[
                epochs_of(
                    [ENERGIES_J[number] * (1 + seed / 100)] * 3,
                    [value * 3.0**sign, value * (1 + seed / 1000), value * 2.0**sign],
                )
            ],
        )
        for number, factor in FACTORS.items()
        for seed in range(3)
        for value in [best * factor**sign]
    ]
    data = replace(DATA, classes=(), chance_accuracy=None)
    return write_study(
        folder, SETUPS, trials, manifest={"objective": objective, "data": data, **manifest}
    )


@pytest.mark.parametrize(
    ("objective", "best"), [(RMSE, 0.03214), (PERPLEXITY, 84.37), (RETURN, 195.2)]
)
def test_cheapest_setup_within_one_percent_of_the_best_is_recommended(
    objective: Objective, best: float, tmp_path: Path
) -> None:
    """The tolerance is relative, whatever the objective's direction and scale."""
    findings = analyse(load(study_of(tmp_path / "a", objective, best)))

    ranking = findings.ranking
    assert findings.recommendation.setup == 2
    assert ranking.best is not None
    assert ranking.best.setup == 1
    assert {row.setup.setup for row in ranking.rows if row.accurate_enough} == {1, 2}
    assert ranking.best.accuracy == pytest.approx(best * 1.001)


def test_the_choice_does_not_depend_on_the_unit_of_the_objective(tmp_path: Path) -> None:
    """An error in metres and in millimetres is the same error."""
    metres = analyse(load(study_of(tmp_path / "a", RMSE, 0.03214)))
    millimetres = analyse(load(study_of(tmp_path / "b", RMSE, 32.14)))

    for one, other in zip(metres.ranking.rows, millimetres.ranking.rows, strict=True):
        assert one.setup.setup == other.setup.setup
        assert one.on_front == other.on_front
        assert metres.ranking.evidence is not None
        assert millimetres.ranking.evidence is not None
        assert metres.ranking.evidence.expected_loss[one.setup.setup] == pytest.approx(
            millimetres.ranking.evidence.expected_loss[one.setup.setup], abs=1e-6
        )


def test_energy_to_target_is_in_the_unit_of_the_study(tmp_path: Path) -> None:
    """Both the table and the recommendation give it."""
    folder = study_of(tmp_path / "a", RMSE, 52.0)

    findings = analyse(load(folder), by=RankBy.ENERGY_TO_TARGET, target=53.0)

    table = next(info for info in table_infos(findings) if info.name == "ranking")
    assert f"{findings.unit.name} to target" in [column.heading for column in table.columns]
    column_index = [column.key for column in table.columns].index("energy_to_target_wh")
    cell = table.rows[0][column_index]
    assert cell.value == pytest.approx(2 * 101.0 / 3600)  # two epochs of 101 J in the mean
    assert cell.text == "56.11"
    assert re.search(
        r"the target with 56\.1 mWh \(95 % .* mWh\), the least", findings.recommendation.text
    )


def test_missing_recommendation_is_explained_by_an_unreached_target(tmp_path: Path) -> None:
    """The reason given is the target, not a missing energy."""
    findings = analyse(
        load(study_of(tmp_path / "a", RMSE, 52.0)), by=RankBy.ENERGY_TO_TARGET, target=0.9
    )

    assert findings.recommendation.setup is None
    assert "no setup reached the target" in findings.recommendation.text


def test_a_deviation_has_the_decimals_of_its_mean(tmp_path: Path) -> None:
    """51.75 has the deviation 0.05, not 0.05174."""
    findings = analyse(load(study_of(tmp_path / "a", RMSE, 51.7)))

    table = next(info for info in table_infos(findings) if info.name == "ranking")
    keys = [column.key for column in table.columns]
    row = next(row for row in table.rows if row[keys.index("setup")].value == 1)
    assert row[keys.index("rmse")].text == "51.75"
    assert row[keys.index("rmse_std")].text == "0.05"
    assert ScoreForm(RMSE).cell(51.7).text == "51.70"


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "best"), [(RMSE, 0.03214), (PERPLEXITY, 84.37)])
def test_objective_that_is_no_share_is_never_a_percentage(
    objective: Objective, best: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Terminal, page and CSV give its name and plain value; the tolerance is relative."""
    folder = study_of(tmp_path / "a", objective, best)

    run(Options(results=(folder,)))

    printed = " ".join(capsys.readouterr().out.split())
    page = (folder / "report" / "index.html").read_text()
    value = f"{best * 1.005 * 1.001:.4g}"
    for text in (printed, page):
        assert f"{objective.name} {value} for" in text.replace("\N{NO-BREAK SPACE}", " ")
        assert f"{value} %" not in text
        assert "accura" not in text.lower()
        assert "percentage point" not in text
        assert "chance accuracy" not in text
    assert f"1 % (relative) of the best {objective.name}" in printed
    files = list((folder / "report").glob("*.csv"))
    assert {"ranking.csv", "pareto_front.csv", "epochs.csv"} <= {file.name for file in files}
    for file in files:
        header = next(csv.reader(io.StringIO(file.read_text())))
        assert not [name for name in header if "accuracy" in name]
        assert f"{objective.name}_percent" not in header


@pytest.mark.parametrize(("objective", "best"), [(RMSE, 0.03214), (PERPLEXITY, 84.37)])
def test_tables_have_the_objective_in_its_own_unit(
    objective: Objective, best: float, tmp_path: Path
) -> None:
    """The column has the objective's name, and its values are not multiplied by 100."""
    findings = analyse(load(study_of(tmp_path / "a", objective, best)))

    ranking = next(info for info in table_infos(findings) if info.name == "ranking")
    rows = list(csv.DictReader(io.StringIO(csv_text(ranking))))

    values = {int(row["setup"]): float(row[objective.name]) for row in rows}
    assert values == pytest.approx({n: best * f * 1.001 for n, f in FACTORS.items()})


def test_interval_of_a_minimised_objective_contains_the_value(tmp_path: Path) -> None:
    """Inference works on negated values; the interval has the original sign, low end first."""
    findings = analyse(load(study_of(tmp_path / "a", RMSE, 3.214)))

    assert findings.ranking.evidence is not None
    found = findings.ranking.evidence.accuracy(1)

    assert found is not None
    assert found.low < 3.214 * 1.001 < found.high


def test_energy_to_target_ends_at_the_first_value_below_the_target(tmp_path: Path) -> None:
    """Setups 1 and 2 reach it in the second epoch; setup 3 never does and has no such energy."""
    study = load(study_of(tmp_path / "a", RMSE, 0.5))

    findings = analyse(study, by=RankBy.ENERGY_TO_TARGET, target=0.52)

    reached = {s.setup: s.to_target.mean_j if s.to_target else None for s in findings.setups}
    assert reached == {1: pytest.approx(808), 2: pytest.approx(202), 3: None}


def test_ranking_by_accuracy_per_wh_is_refused(tmp_path: Path) -> None:
    """An error that is minimised has no gain per watt-hour."""
    study = load(study_of(tmp_path / "a", RMSE, 0.5))

    with pytest.raises(AnalysisError, match=r"--rank-by is accuracy-per-wh, but .* rmse \(min\)"):
        analyse(study, by=RankBy.ACCURACY_PER_WH)


def test_target_of_an_objective_that_is_no_share_may_exceed_one(tmp_path: Path) -> None:
    """A perplexity of 90 is allowed, not taken for 9000 %."""
    folder = study_of(tmp_path / "a", PERPLEXITY, 84.37)

    findings = Options(results=(folder,), target=90.0).analysed(folder)

    assert findings.target == 90.0


@pytest.mark.parametrize(
    ("objective", "score", "expected"),
    [
        (RMSE, 0.0321449, "rmse 0.03214"),
        (PERPLEXITY, 12345.6, "perplexity 12,346"),
        (RETURN, -195.27, "return -195.3"),
        (Objective("f1", is_share=True), 0.9123, "91.2 % f1"),
    ],
)
def test_a_value_has_four_digits_or_is_a_percentage(
    objective: Objective, score: float, expected: str
) -> None:
    """The phrase includes the objective's name."""
    assert expected == ScoreForm(objective).phrase(score)


def test_special_characters_of_a_metric_become_underscores() -> None:
    """`val/loss`, a common name of a metric in Tune, becomes `val_loss` in files."""
    assert ScoreForm(Objective("val/loss", mode="min")).key("low") == "val_loss_low"


@pytest.mark.slow
def test_search_is_reported_in_the_unit_of_its_objective(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Points have plain values, and there is no hypervolume because the scale has no upper end."""
    options = {"max_epochs": 30, "goal": "accuracy-energy"}
    folder = study_of(tmp_path / "a", RMSE, 0.03214, paradigm=Paradigm.SEARCH, options=options)

    run(Options(results=(folder,)))

    assert "accuracy" not in capsys.readouterr().out
    rows = list(csv.DictReader((folder / "report" / "search_points.csv").open()))
    found = {int(row["setup"]): float(row["rmse"]) for row in rows if row["kind"] == "front"}
    assert found == pytest.approx({n: 0.03214 * f * 1.001 for n, f in FACTORS.items()})
    assert not (folder / "report" / "search_hypervolume.csv").exists()
