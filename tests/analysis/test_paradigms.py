"""Studies of several stages: energy of latent features, advice, and tables written to a file."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.__main__ import Options, run
from analysis.advice.carbon import factors_of
from analysis.energy.spread import Spread
from analysis.findings import Findings, analyse
from analysis.forms.formats import Format
from analysis.read.load import load
from analysis.tables.setups import table_infos
from study.record.bookings import WindowRecord
from study.record.files import J_PER_WH, WINDOWS_FILE
from study.record.vocabulary import LATENTS, EnergyMethod, EnergyStatus, Paradigm, Stage
from tests.analysis.study_folder import grid, staged, write_study

STAGES = {
    Stage.ENCODER: [100.0],
    Stage.CLASSIFIER_FROZEN: [10.0],
    Stage.CLASSIFIER_UNFROZEN: [40.0],
    Stage.ENCODER_CLASSIFIER: [35.0],
}


def pretraining(folder: Path, stages: dict[Stage, list[float]], **options: object) -> Path:
    """Write a pretraining study of one setup."""
    manifest = {"paradigm": Paradigm.PRETRAINING, "stages": tuple(stages)}
    trials = [staged(1, stages, accuracies=dict.fromkeys(stages, 0.9))]
    return write_study(folder, grid([64], [0.1]), trials, manifest=manifest, **options)  # type: ignore[arg-type]


def window(stage: str, energy_j: float | None, attempt: int) -> WindowRecord:
    """A window of the setup's only trial, as a tracker books it."""
    known = energy_j is not None
    return WindowRecord(
        trial_id="setup01_seed0",
        attempt=attempt,
        stage=stage,
        epoch=0,
        device_uuid="GPU-1",
        start_s=0.0,
        duration_s=1.0,
        energy_j=energy_j,
        energy_method=EnergyMethod.SAMPLED if known else None,
        energy_status=EnergyStatus.OK if known else EnergyStatus.MISSING,
        note="",
    )


def test_energy_of_latent_features_is_reported_separately(tmp_path: Path) -> None:
    """Only windows of latent features that have an energy count: 3 J."""
    folder = pretraining(tmp_path / "a", STAGES)
    booked = [window(LATENTS, 3.0, 1), window(LATENTS, None, 1), window("setup", 5.0, 1)]
    pd.DataFrame([row.to_row() for row in booked]).to_parquet(folder / WINDOWS_FILE)

    info = analyse(load(folder)).paradigm.pretraining

    assert info is not None
    assert info.freezing.latents_j == Spread.of([3.0])


def test_latents_of_a_lost_attempt_do_not_count(tmp_path: Path) -> None:
    """Windows count only if they are of the trial's last attempt."""
    folder = pretraining(tmp_path / "a", STAGES)
    booked = [window(LATENTS, 9.0, 0), window(LATENTS, 3.0, 1)]
    pd.DataFrame([row.to_row() for row in booked]).to_parquet(folder / WINDOWS_FILE)

    info = analyse(load(folder)).paradigm.pretraining

    assert info is not None
    assert info.freezing.latents_j == Spread.of([3.0])


def advice(findings: Findings) -> str:
    """The recommendation's text."""
    return findings.recommendation.text


def test_advice_that_pretraining_never_pays_gives_the_reason(tmp_path: Path) -> None:
    """A classifier on the frozen encoder takes 36 J, more than the 35 J of training both from scratch."""
    stages = {**STAGES, Stage.CLASSIFIER_FROZEN: [36.0]}

    text = advice(analyse(load(pretraining(tmp_path / "a", stages))))

    assert text.startswith("Pretraining never pays: in each setup a classifier on the encoder")


@pytest.mark.parametrize(
    ("classifiers_j", "may_be_chance"), [((30.0, 41.0), True), ((60.0, 60.1), False)]
)
def test_never_pays_is_qualified_by_the_spread_of_repeats(
    tmp_path: Path, classifiers_j: tuple[float, ...], *, may_be_chance: bool
) -> None:
    """Where one of two repeats saved 5 J, the advice adds that "never" may be chance."""
    trials = [
        staged(
            1,
            {**STAGES, Stage.CLASSIFIER_FROZEN: [joules]},
            seed=seed,
            accuracies=dict.fromkeys(STAGES, 0.9),
        )
        for seed, joules in enumerate(classifiers_j)
    ]
    manifest = {"paradigm": Paradigm.PRETRAINING, "stages": tuple(STAGES)}
    folder = write_study(tmp_path / "a", grid([64], [0.1]), trials, manifest=manifest)

    text = advice(analyse(load(folder)))

    assert text.startswith("Pretraining never pays:")
    assert ("That may be chance" in text) is may_be_chance
    assert (" or more, perhaps never." in text) is may_be_chance


def test_estimates_are_always_labelled(tmp_path: Path) -> None:
    """Advice and table titles say "estimated" beside every energy."""
    folder = pretraining(tmp_path / "a", STAGES, method=EnergyMethod.ESTIMATED)
    findings = analyse(load(folder), factors=factors_of(country="DE"))

    for words in ("accuracy for an estimated 9.72 mWh", "A thousand trainings take an estimated"):
        assert words in advice(findings)
    assert all("(estimated" in info.title for info in table_infos(findings))


def test_multitask_training_that_costs_more_is_reported_as_such(tmp_path: Path) -> None:
    """30 J together against 20 J one by one add 50 %, and each task loses 5 points."""
    stages = {"attributes": [10.0], "identity": [10.0], Stage.BOTH: [30.0]}
    heads = {
        "attributes": (0.9, None),
        "identity": (None, 0.8),
        Stage.BOTH: (0.85, 0.75),
    }
    trial = staged(1, stages, accuracies=dict.fromkeys(stages, 0.8), heads=heads)
    manifest = {"paradigm": Paradigm.MULTITASK, "stages": tuple(stages)}
    folder = write_study(tmp_path / "a", grid([64], [0.1]), [trial], manifest=manifest)

    text = advice(analyse(load(folder)))

    assert text.startswith(
        "Training both tasks together adds 50 % of the energy against one by one, over 1 setup; "
        "accuracy changes by -5.0 points in attributes and -5.0 points in identity on average."
    )


@pytest.mark.parametrize("form", list(Format))
def test_output_option_writes_tables_and_nothing_else(
    form: Format, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file has every table of the study and the paper; there is no report and no terminal output."""
    folder = pretraining(tmp_path / "a", {**STAGES, Stage.ENCODER: [J_PER_WH]})
    output = tmp_path / "tables.txt"

    run(Options(results=(folder,), format=form, output=output, against_paper=True, factors=True))

    text = output.read_text(encoding="utf-8")
    for title in ("Energy per epoch", "Break-even", "Table 3", "analysis of variance"):
        assert title in text
    assert capsys.readouterr().out == ""
    assert not (folder / "report").exists()
