"""Import of a folder of a Ray Tune run."""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.read.load import load
from study.record.vocabulary import EnergyScope


def trial(run: Path, number: int, config: dict[str, Any], *losses: float, **more: Any) -> Path:  # noqa: ANN401
    """Write a trial's folder as Tune leaves it."""
    trial_id = f"ab12_{number:05}"
    folder = run / f"train_fn_{trial_id}_{number}_lr=0.1_2026-01-01"
    folder.mkdir(parents=True)
    lines = [
        {
            "val_loss": loss,
            "training_iteration": epoch,
            "trial_id": trial_id,
            "hostname": "node-1",
            "time_this_iter_s": 2.0,
            "config": config,
            **more,
        }
        for epoch, loss in enumerate(losses, start=1)
    ]
    (folder / "result.json").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


def import_run(run: Path, *more: str) -> int:
    """Import a run and return the exit status."""
    return main(["import", str(run), "--objective", "val_loss", "--mode", "min", *more])


def test_a_run_is_read_as_a_study(tmp_path: Path) -> None:
    """Its configurations become setups with repeats; energies are missing."""
    for number, (rate, seed) in enumerate([(0.1, 0), (0.1, 1), (0.01, 0)]):
        trial(tmp_path / "old", number, {"lr": rate, "batch_size": 8, "seed": seed}, 0.9, 0.4)

    status = import_run(tmp_path / "old")

    study = load(tmp_path / "old")
    assert status == 0
    assert study.manifest.scenario == "train_fn"
    assert [each.learning_rate for each in study.manifest.setups] == [0.1, 0.01]
    assert sorted(zip(study.trials["setup"], study.trials["seed"], strict=True)) == [
        (1, 0),
        (1, 1),
        (2, 0),
    ]
    assert set(study.trials["status"]) == {"finished"}
    assert set(study.trials["best_val_score"]) == {0.4}
    assert study.epochs["epoch_energy_j"].isna().all()


def test_energies_of_a_measured_run_are_kept(tmp_path: Path) -> None:
    """Readings in Tune's results become the energies of the study."""
    energy = {"status": "ok", "cpu_energy_j": 5.0}
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, 0.4, **MEASURED, energy=energy)

    import_run(tmp_path / "old")

    study = load(tmp_path / "old")
    assert study.trials["energy_j"].tolist() == [10.0]
    assert study.manifest.energy_of is EnergyScope.COMPONENTS  # no accelerator was measured
    assert study.manifest.setups[0].batch_size is None
    assert study.trials["batch_size"].isna().all()


def test_an_epoch_that_was_reported_twice_counts_once(tmp_path: Path) -> None:
    """A resumed trial repeats epochs after its last checkpoint; a truncated line is ignored."""
    folder = trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, 0.5)
    results = folder / "result.json"
    again = results.read_text().splitlines()[1].replace("0.5", "0.4")
    results.write_text(f'{results.read_text()}{again}\n{{"val_lo')

    import_run(tmp_path / "old")

    assert load(tmp_path / "old").epochs["val_score"].tolist() == [0.9, 0.4]


def test_a_trial_with_an_error_file_has_failed(tmp_path: Path) -> None:
    """Tune leaves the error beside the results, which are all of complete epochs."""
    folder = trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, 0.6, 0.4)
    (folder / "error.txt").write_text("Traceback\n  ...\nValueError: boom\n")

    import_run(tmp_path / "old")

    columns = ["status", "error", "epochs", "best_epoch"]
    trials = load(tmp_path / "old").trials[columns]
    assert trials.to_numpy().tolist() == [["failed", "ValueError: boom", 3, 3]]


def test_another_key_can_tell_repeats_apart(tmp_path: Path) -> None:
    """`--seed-key` names the key of the configuration that holds the seed."""
    for number in (0, 1):
        trial(tmp_path / "old", number, {"lr": 0.1, "random_state": number}, 0.9)

    import_run(tmp_path / "old", "--seed-key", "random_state")

    assert len(load(tmp_path / "old").manifest.setups) == 1


def test_an_objective_that_was_not_reported_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message lists the metrics of the results, and nothing is written."""
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, accuracy=0.5)

    status = main(["import", str(tmp_path / "old"), "--objective", "f1", "--mode", "max"])

    assert status == 2
    error = capsys.readouterr().err
    assert f"--objective is f1; the results of {tmp_path / 'old'} have accuracy, val_loss." in error
    assert not (tmp_path / "old" / "study.json").exists()


def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says that it has no results of Ray Tune."""
    assert import_run(tmp_path) == 2
    assert "has no results of Ray Tune" in capsys.readouterr().err


def test_a_study_is_not_imported_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own rows hold more than Tune's results."""
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9)
    import_run(tmp_path / "old")

    assert import_run(tmp_path / "old") == 2
    assert "is a study already" in capsys.readouterr().err


def test_unusual_results_are_read(tmp_path: Path) -> None:
    """A loss or time of NaN, an `energy` of the user's own, and reports before the first epoch."""
    folder = trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, float("nan"), 0.4, energy=-76.4)
    odd = [
        {"training_iteration": 0, "trial_id": "ab12_00000", "config": {}},
        {"training_iteration": None, "trial_id": "ab12_00000", "config": {}},
        {
            "training_iteration": 4,
            "trial_id": "ab12_00000",
            "time_this_iter_s": float("nan"),
            "config": {"lr": 0.1},
            "val_loss": 0.5,
        },
    ]
    with (folder / "result.json").open("a") as file:
        file.writelines(json.dumps(each) + "\n" for each in odd)

    assert import_run(tmp_path / "old") == 0

    study = load(tmp_path / "old")
    assert study.epochs["epoch"].tolist() == [1, 2, 3, 4]
    assert study.epochs["val_score"].isna().tolist() == [False, True, False, False]
    assert study.trials["best_val_score"].tolist() == [0.4]
    assert '"energy": -76.4' in study.epochs["val_metrics"][0]


def test_a_failed_trial_that_tune_restarted_is_a_lost_attempt(tmp_path: Path) -> None:
    """After `restart_errored`, Tune lists only the last of three attempts; the other repeat failed for good."""
    run = tmp_path / "old"
    energy = {"epoch_energy_j": 5.0, "energy_method": "counter", "energy": {"status": "ok"}}
    for number, losses in enumerate([(0.9,), (0.9, 0.6), (0.9, 0.5, 0.4)]):
        trial(run, number, {"lr": 0.1, "seed": 0}, *losses, **energy)
    trial(run, 3, {"lr": 0.1, "seed": 1}, 0.9, **energy)
    for folder in run.glob("*_0000[013]_*"):
        (folder / "error.txt").write_text("boom")
    listed = [[json.dumps({"trial_id": f"ab12_0000{number}"}), "{}"] for number in (2, 3)]
    (run / "experiment_state-2026-01-01.json").write_text(json.dumps({"trial_data": listed}))

    import_run(run)

    trials = load(run).trials.sort_values("seed")
    columns = ["trial_id", "status", "attempts", "energy_j", "wasted_energy_j"]
    assert trials[columns].to_numpy().tolist() == [
        ["ab12_00002", "finished", 3, 15.0, 15.0],
        ["ab12_00003", "failed", 1, 5.0, 0.0],
    ]


@pytest.mark.parametrize("state", [None, "{", "[]", '{"trial_data": [["{}", "{}"]]}'])
def test_without_tunes_list_of_trials_each_failed_trial_is_a_repeat(
    tmp_path: Path, state: str | None
) -> None:
    """It is unknown then whether the trial was restarted."""
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9)
    (trial(tmp_path / "old", 1, {"lr": 0.1}, 0.9) / "error.txt").write_text("boom")
    if state is not None:
        (tmp_path / "old" / "experiment_state-2026-01-01.json").write_text(state)

    import_run(tmp_path / "old")

    assert sorted(load(tmp_path / "old").trials["status"]) == ["failed", "finished"]


MEASURED = {"epoch_energy_j": 5.0, "energy_method": "counter"}
BOOM = "Failure # 1 (occurred at 2026-01-01)\nTraceback\nValueError: boom\n"


def failed_early(run: Path, number: int, config: dict[str, Any], errors: str = BOOM) -> Path:
    """Write the folder of a trial that failed before its first result, as Tune leaves it."""
    folder = trial(run, number, config)
    (folder / "result.json").write_text("")
    (folder / "params.json").write_text(json.dumps(config))
    (folder / "error.txt").write_text(errors)
    return folder


def list_trials(run: Path, *states: tuple[Path, int, str], of: str = "2026-01-01") -> None:
    """Write Tune's list of trials, from the folder, number and status of each."""
    listed = [
        [
            json.dumps(
                {
                    "trial_id": f"ab12_{number:05}",
                    "status": status,
                    "relative_logdir": folder.name,
                }
            ),
            "{}",
        ]
        for folder, number, status in states
    ]
    (run / f"experiment_state-{of}.json").write_text(json.dumps({"trial_data": listed}))


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_trial_that_failed_before_its_first_result_is_a_failed_repeat(
    tmp_path: Path, *, is_listed: bool
) -> None:
    """It has a setup, an error and a number of attempts, but its energy is unknown."""
    run = tmp_path / "old"
    good = trial(run, 0, {"lr": 0.1, "seed": 0}, 0.9, **MEASURED, energy={"status": "ok"})
    bad = failed_early(run, 1, {"lr": 0.2, "seed": 7}, BOOM + BOOM.replace("# 1", "# 2"))
    if is_listed:
        list_trials(run, (good, 0, "TERMINATED"), (bad, 1, "ERROR"))

    import_run(run)

    study = load(run)
    failed = study.trials.iloc[-1]
    assert [each.learning_rate for each in study.manifest.setups] == [0.1, 0.2]
    assert failed["trial_id"] == ("ab12_00001" if is_listed else bad.name)
    assert failed[["setup", "seed", "status", "attempts", "error", "epochs"]].tolist() == [
        *(2, 7, "failed", 2, "ValueError: boom", 0)
    ]
    assert failed[["energy_j", "wasted_energy_j"]].isna().all()


def test_a_trial_that_succeeded_when_tune_retried_it_has_not_failed(tmp_path: Path) -> None:
    """The error of the first attempt remains, and its energy is included in the sum of the next attempt."""
    run = tmp_path / "old"
    energy = {"status": "ok", "attempt": 2}
    folder = trial(run, 0, {"lr": 0.1}, 0.9, **MEASURED, energy=energy, energy_wh=12.0 / 3600)
    (folder / "error.txt").write_text(BOOM)
    list_trials(run, (folder, 0, "TERMINATED"))

    import_run(run)

    columns = ["status", "error", "attempts", "energy_j", "wasted_energy_j"]
    assert load(run).trials[columns].to_numpy().tolist() == [["finished", None, 2, 5.0, 7.0]]


def test_a_trial_that_tune_lists_as_running_has_not_finished(tmp_path: Path) -> None:
    """The run ended before the trial did, and the error is one of an earlier attempt."""
    run = tmp_path / "old"
    folder = trial(run, 0, {"lr": 0.1}, 0.9)
    (folder / "error.txt").write_text(BOOM)
    list_trials(run, (folder, 0, "RUNNING"))

    import_run(run)

    columns = ["status", "error", "attempts"]
    trials = load(run).trials
    assert trials[columns].to_numpy().tolist() == [["running", None, 2]]
    assert trials["wasted_energy_j"].isna().all()


def test_an_attempt_without_a_result_before_a_restart_counts(tmp_path: Path) -> None:
    """After `restart_errored`, it is in Tune's list of the previous session only."""
    run = tmp_path / "old"
    lost = failed_early(run, 0, {"lr": 0.1, "seed": 0})
    again = trial(run, 1, {"lr": 0.1, "seed": 0}, 0.9, **MEASURED, energy={"status": "ok"})
    list_trials(run, (lost, 0, "ERROR"))
    list_trials(run, (again, 1, "TERMINATED"), of="2026-01-02")

    import_run(run)

    columns = ["trial_id", "status", "attempts", "energy_j"]
    trials = load(run).trials
    assert trials[columns].to_numpy().tolist() == [["ab12_00001", "finished", 2, 5.0]]
    assert trials["wasted_energy_j"].isna().all()


def test_a_run_whose_trials_all_failed_early_is_refused_with_their_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to compare, but the folder is not taken for a wrong one."""
    failed_early(tmp_path / "old", 0, {"lr": 0.1})

    assert import_run(tmp_path / "old") == 2
    assert "all trials failed before. ValueError: boom" in capsys.readouterr().err
