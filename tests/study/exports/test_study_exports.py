"""Export of a study's trials and epochs."""

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
    """Manifest of a study of one stage."""
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
    """Recorder of one trial, which has ended after two epochs."""
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
    """Exports to this exporter alone, which receives calls without waiting."""
    exporter.held.set()
    return Exports([asked(exporter)], say=lambda _: None)


def test_a_study_is_exported_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    """The order is study, trial, epochs, end of the trial, files that exist, end of the study."""
    exporter = Remembering()
    recorded = recorder(tmp_path)
    recorded.flush()
    folder = StudyFolder(str(tmp_path), "s")

    with StudyExports(heard(exporter)) as exports:
        exports.begin(manifest(), folder)
        exports.begin_trial(plan())
        exports.epoch(epoch(1))
        exports.end_trial(recorded.trial(plan().trial_id))
        exports.will_end(recorded.trials(), finished=True)
        exports.keep(folder)

    assert exporter.heard == [
        *("begin s", "trial setup01-seed0", "epoch 1", "end setup01-seed0"),
        *("keep epochs.parquet trials.csv", "end True"),
    ]


def test_an_epoch_that_is_reported_again_is_exported_once() -> None:
    """A repeated or late report of an epoch is ignored."""
    exporter = Remembering()

    with StudyExports(heard(exporter)) as exports:
        exports.begin(manifest(), None)
        for number in (1, 1, 2, 1):
            exports.epoch(epoch(number))

    assert exporter.heard == ["begin s", "epoch 1", "epoch 2", "end False"]


def test_a_resumed_study_begins_with_its_earlier_rows(tmp_path: Path) -> None:
    """An exporter that missed them gets trials and epochs of earlier commands, each epoch once and marked as earlier."""
    exporter = Remembering()
    recorded = recorder(tmp_path)

    with StudyExports(heard(exporter)) as exports:
        exports.begin(manifest(), None)
        exports.earlier(recorded.trials(), recorded.epochs_of)
        exports.epoch(epoch(2))
        exports.epoch(epoch(3))

    assert exporter.heard == [
        *("begin s", "trial setup01-seed0", "epoch 1", "epoch 2", "end setup01-seed0"),
        *("epoch 3", "end False"),
    ]
    assert [each.is_earlier for each in exporter.epochs] == [True, True, False]


def test_a_missing_energy_is_absent() -> None:
    """An epoch without energy exports none instead of 0; other metrics have their own names."""
    exported = epoch_of(epoch(1, None, val_metrics='{"f1": 0.5}'), staged=True, is_earlier=False)

    assert exported.energy_j is None
    assert "epoch_energy_j" not in exported.metrics
    assert exported.metrics["val/f1"] == 0.5
    assert exported.named("val_loss") == f"{STAGE}/val_loss"


def test_energies_are_named_as_in_the_tables() -> None:
    """Metrics are named like columns, and leave out the columns that identify a row."""
    exported = epoch_of(epoch(3, 7.5), staged=False, is_earlier=False)

    assert exported.metrics["epoch_energy_j"] == 7.5
    assert not {"setup", "seed", "batch_size", "epoch"} & set(exported.metrics)
    assert exported.named("val_loss") == "val_loss"
    assert trial_of(plan(parameters='{"alpha": 0.5}'), {}).parameters["alpha"] == "0.5"


def test_an_estimate_of_a_component_is_labelled_whatever_ranks() -> None:
    """Study and trial label the CPU's estimate, even if a board's counter ranks."""
    exporter = Remembering()
    [node, *_] = MANIFEST.nodes
    cpu = ComponentFacts(component="cpu", source="cpu-estimate", method=EnergyMethod.ESTIMATED)
    with_estimate = replace(manifest(), nodes=(replace(node, components=(cpu,)),))

    with StudyExports(heard(exporter)) as exports:
        exports.begin(with_estimate, None)
        exports.begin_trial(plan())

    assert exporter.studies[0].tags["cpu_energy_method"] == "estimated"
    assert exporter.trials[0].parameters["cpu_energy_method"] == "estimated"


def test_a_total_with_a_missing_part_is_absent(tmp_path: Path) -> None:
    """If the energy of one trial is missing, so is that of all trials."""
    (whole,) = recorder(tmp_path).trials()
    partly = TrialRecord.from_row({**whole.to_row(), "energy_j": None})

    assert totals_of(whole)["energy_j"] == 7.0
    assert totals_of_all([whole, whole])["energy_j"] == 14.0
    assert "energy_j" not in totals_of_all([whole, partly])


def test_an_unknown_exporter_is_refused() -> None:
    """The name is refused as an error of the option."""
    with pytest.raises(OptionError, match="allowed: mlflow"):
        exports_of(["tensorboard"])
