"""What a study hands on of its rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.errors import OptionError
from study.exports.rows import epoch_of, totals_of, totals_of_all, trial_of
from study.exports.study_exports import StudyExports, exports_of
from study.record.manifest import ComponentFacts, DataFacts, Manifest
from study.record.objective import ACCURACY
from study.record.records import TrialRecord
from study.record.vocabulary import EnergyMethod, Paradigm, StopReason
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import STAGE, epoch, plan
from tests.trackers.exports.remembering import Remembering, asked
from trackers.exports.exports import Exports


def manifest() -> Manifest:
    """That of a study of one stage."""
    return Manifest(
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="watch",
        status="running",
        started_at="2026-11-26T20:00:00+00:00",
        finished_at=None,
        setup_time_s=None,
        command=("python", "-m", "study.regime"),
        options={"batch_sizes": [64, 256]},
        versions={},
        git_commit=None,
        data=DataFacts(
            synthetic=True,
            description="points",
            fingerprint="f",
            train_samples=1,
            val_samples=1,
            classes=(),
            chance_accuracy=None,
        ),
        setups=(),
        seeds=(0,),
        nodes=(),
        stages=(STAGE,),
        objective=ACCURACY,
    )


def recorder(results: Path) -> Recorder:
    """One that knows of one trial, of two epochs, which has ended."""
    made = Recorder(
        StudyFolder(str(results), "s"),
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="watch",
        objective=ACCURACY,
        stages=(STAGE,),
        target=None,
    )
    made.expect([plan()])
    made.add(epoch(1, 3.0))
    made.add(epoch(2, 4.0, stop=StopReason.MAX_EPOCHS))
    return made


def heard(exporter: Remembering) -> Exports:
    """Exports that only it hears."""
    exporter.held.set()
    return Exports([asked(exporter)], say=lambda _: None)


def test_a_study_is_handed_on_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    """Beginning, trial, epochs, its end, files that are there, and the study's end, in that order."""
    exporter = Remembering()
    kept = recorder(tmp_path)
    kept.flush()
    folder = StudyFolder(str(tmp_path), "s")

    with StudyExports(heard(exporter)) as exports:
        exports.begin(manifest(), folder)
        exports.begin_trial(plan())
        exports.epoch(epoch(1))
        exports.end_trial(kept.trial(plan().trial_id))
        exports.will_end(kept.trials(), finished=True)
        exports.keep(folder)

    assert exporter.heard == [
        *("begin s", "trial setup01-seed0", "epoch 1", "end setup01-seed0"),
        *("keep epochs.parquet trials.csv", "end True"),
    ]


def test_an_epoch_that_is_reported_again_is_handed_on_once() -> None:
    """An attempt that goes on reports the epochs before once more."""
    exporter = Remembering()

    with StudyExports(heard(exporter)) as exports:
        exports.begin(manifest(), None)
        for number in (1, 1, 2, 1):
            exports.epoch(epoch(number))

    assert exporter.heard == ["begin s", "epoch 1", "epoch 2", "end False"]


def test_a_resume_begins_with_what_earlier_commands_have_left(tmp_path: Path) -> None:
    """For an exporter that was away; they are marked, and not handed on as new ones."""
    exporter = Remembering()
    kept = recorder(tmp_path)

    with StudyExports(heard(exporter)) as exports:
        exports.begin(manifest(), None)
        exports.earlier(kept.trials(), kept.epochs_of)
        exports.epoch(epoch(2))

    assert exporter.heard == [
        *("begin s", "trial setup01-seed0", "epoch 1", "epoch 2", "end setup01-seed0", "end False")
    ]


def test_what_is_missing_is_absent() -> None:
    """An epoch without an energy has none, and not 0; metrics have their own names."""
    told = epoch_of(epoch(1, None, val_metrics='{"f1": 0.5}'), staged=True, is_earlier=False)

    assert told.energy_j is None
    assert "epoch_energy_j" not in told.metrics
    assert told.metrics["val/f1"] == 0.5
    assert told.named("val_loss") == f"{STAGE}/val_loss"


def test_energies_are_named_as_in_the_tables() -> None:
    """Numbers have their columns' names; those that say which row it is are parameters."""
    told = epoch_of(epoch(3, 7.5), staged=False, is_earlier=False)

    assert told.metrics["epoch_energy_j"] == 7.5
    assert not {"setup", "seed", "batch_size", "epoch"} & set(told.metrics)
    assert told.named("val_loss") == "val_loss"
    assert trial_of(plan(parameters='{"alpha": 0.5}'), {}).parameters["alpha"] == "0.5"


def test_an_estimate_of_a_component_is_labelled_whatever_ranks() -> None:
    """A board's counter ranks, and the CPU beside it is an estimate: study and trial say so."""
    exporter = Remembering()
    [node, *_] = MANIFEST.nodes
    cpu = ComponentFacts(component="cpu", source="cpu-estimate", method=EnergyMethod.ESTIMATED)
    with_estimate = replace(manifest(), nodes=(replace(node, components=(cpu,)),))

    with StudyExports(heard(exporter)) as exports:
        exports.begin(with_estimate, None)
        exports.begin_trial(plan())

    assert exporter.studies[0].tags["cpu_energy_method"] == "estimated"
    assert exporter.trials[0].parameters["cpu_energy_method"] == "estimated"


def test_a_sum_of_which_a_part_is_missing_is_absent(tmp_path: Path) -> None:
    """What one trial does not tell nobody knows of all."""
    (whole,) = recorder(tmp_path).trials()
    partly = TrialRecord.from_row({**whole.to_row(), "energy_j": None})

    assert totals_of(whole)["energy_j"] == 7.0
    assert totals_of_all([whole, whole])["energy_j"] == 14.0
    assert "energy_j" not in totals_of_all([whole, partly])


def test_an_exporter_that_is_not_known_is_refused() -> None:
    """Before anything is begun, as an option's error."""
    with pytest.raises(OptionError, match="allowed: mlflow"):
        exports_of(["tensorboard"])
