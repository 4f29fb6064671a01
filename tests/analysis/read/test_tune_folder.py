"""A folder of somebody's Ray Tune run, imported."""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.read.load import load
from study.record.vocabulary import EnergyScope


def trial(run: Path, number: int, config: dict[str, Any], *losses: float, **more: Any) -> Path:  # noqa: ANN401
    """A trial's folder as Tune leaves it."""
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


def imported(run: Path, *more: str) -> int:
    """Exit status of the import."""
    return main(["import", str(run), "--objective", "val_loss", "--mode", "min", *more])


def test_a_run_is_read_as_a_study(tmp_path: Path) -> None:
    """Its configurations are setups, told apart from their repeats; energies are missing."""
    for number, (rate, seed) in enumerate([(0.1, 0), (0.1, 1), (0.01, 0)]):
        trial(tmp_path / "old", number, {"lr": rate, "batch_size": 8, "seed": seed}, 0.9, 0.4)

    status = imported(tmp_path / "old")

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
    """Where only the ledger was missing."""
    energy = {"status": "ok", "cpu_energy_j": 5.0}
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, 0.4, **MEASURED, energy=energy)

    imported(tmp_path / "old")

    study = load(tmp_path / "old")
    assert study.trials["energy_j"].tolist() == [10.0]
    assert study.manifest.energy_of is EnergyScope.COMPONENTS  # no accelerator was measured
    assert study.manifest.setups[0].batch_size is None
    assert study.trials["batch_size"].isna().all()


def test_an_epoch_that_was_reported_twice_counts_once(tmp_path: Path) -> None:
    """A trial that was run again begins behind its last checkpoint; a cut line is passed over."""
    folder = trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, 0.5)
    results = folder / "result.json"
    again = results.read_text().splitlines()[1].replace("0.5", "0.4")
    results.write_text(f'{results.read_text()}{again}\n{{"val_lo')

    imported(tmp_path / "old")

    assert load(tmp_path / "old").epochs["val_score"].tolist() == [0.9, 0.4]


def test_a_trial_that_failed_has_failed(tmp_path: Path) -> None:
    """Tune leaves its error beside its results, each of which is of a whole epoch."""
    folder = trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9, 0.6, 0.4)
    (folder / "error.txt").write_text("Traceback\n  ...\nValueError: boom\n")

    imported(tmp_path / "old")

    columns = ["status", "error", "epochs", "best_epoch"]
    trials = load(tmp_path / "old").trials[columns]
    assert trials.to_numpy().tolist() == [["failed", "ValueError: boom", 3, 3]]


def test_another_key_can_tell_repeats_apart(tmp_path: Path) -> None:
    """`--seed-key`."""
    for number in (0, 1):
        trial(tmp_path / "old", number, {"lr": 0.1, "random_state": number}, 0.9)

    imported(tmp_path / "old", "--seed-key", "random_state")

    assert len(load(tmp_path / "old").manifest.setups) == 1


def test_a_metric_that_nobody_reported_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With those that there are, and nothing is written."""
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9)

    status = main(["import", str(tmp_path / "old"), "--objective", "f1", "--mode", "max"])

    assert status == 2
    assert "--objective is f1; the results of" in capsys.readouterr().err
    assert not (tmp_path / "old" / "study.json").exists()


def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is wanted."""
    assert imported(tmp_path) == 2
    assert "has no results of Ray Tune" in capsys.readouterr().err


def test_a_study_is_not_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own rows know more."""
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9)
    imported(tmp_path / "old")

    assert imported(tmp_path / "old") == 2
    assert "is a study already" in capsys.readouterr().err


def test_results_of_any_kind_are_read(tmp_path: Path) -> None:
    """A loss that is no number, a time that is none, an `energy` of the user's own, a report before the first epoch."""
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

    assert imported(tmp_path / "old") == 0

    study = load(tmp_path / "old")
    assert study.epochs["epoch"].tolist() == [1, 2, 3, 4]
    assert study.epochs["val_score"].isna().tolist() == [False, True, False, False]
    assert study.trials["best_val_score"].tolist() == [0.4]
    assert '"energy": -76.4' in study.epochs["val_metrics"][0]


def test_a_failed_trial_that_tune_began_anew_is_a_lost_attempt(tmp_path: Path) -> None:
    """`restart_errored`, twice: Tune lists only the last of the three; the repeat beside it failed for good."""
    run = tmp_path / "old"
    energy = {"epoch_energy_j": 5.0, "energy_method": "counter", "energy": {"status": "ok"}}
    for number, losses in enumerate([(0.9,), (0.9, 0.6), (0.9, 0.5, 0.4)]):
        trial(run, number, {"lr": 0.1, "seed": 0}, *losses, **energy)
    trial(run, 3, {"lr": 0.1, "seed": 1}, 0.9, **energy)
    for folder in run.glob("*_0000[013]_*"):
        (folder / "error.txt").write_text("boom")
    listed = [[json.dumps({"trial_id": f"ab12_0000{number}"}), "{}"] for number in (2, 3)]
    (run / "experiment_state-2026-01-01.json").write_text(json.dumps({"trial_data": listed}))

    imported(run)

    trials = load(run).trials.sort_values("seed")
    columns = ["trial_id", "status", "attempts", "energy_j", "wasted_energy_j"]
    assert trials[columns].to_numpy().tolist() == [
        ["ab12_00002", "finished", 3, 15.0, 15.0],
        ["ab12_00003", "failed", 1, 5.0, 0.0],
    ]


@pytest.mark.parametrize("state", [None, "{", "[]", '{"trial_data": [["{}", "{}"]]}'])
def test_without_a_list_of_tunes_each_failed_trial_is_a_repeat(
    tmp_path: Path, state: str | None
) -> None:
    """Nobody can say then that it was begun anew."""
    trial(tmp_path / "old", 0, {"lr": 0.1}, 0.9)
    (trial(tmp_path / "old", 1, {"lr": 0.1}, 0.9) / "error.txt").write_text("boom")
    if state is not None:
        (tmp_path / "old" / "experiment_state-2026-01-01.json").write_text(state)

    imported(tmp_path / "old")

    assert sorted(load(tmp_path / "old").trials["status"]) == ["failed", "finished"]


MEASURED = {"epoch_energy_j": 5.0, "energy_method": "counter"}
BOOM = "Failure # 1 (occurred at 2026-01-01)\nTraceback\nValueError: boom\n"


def failed_early(run: Path, number: int, config: dict[str, Any], errors: str = BOOM) -> Path:
    """The folder of a trial that has failed before its first result, as Tune leaves it."""
    folder = trial(run, number, config)
    (folder / "result.json").write_text("")
    (folder / "params.json").write_text(json.dumps(config))
    (folder / "error.txt").write_text(errors)
    return folder


def list_trials(run: Path, *states: tuple[Path, int, str], of: str = "2026-01-01") -> None:
    """What Tune wrote of its trials: of each its folder, number and status."""
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
    """With its setup, its error and its attempts; what they used, nobody wrote down."""
    run = tmp_path / "old"
    good = trial(run, 0, {"lr": 0.1, "seed": 0}, 0.9, **MEASURED, energy={"status": "ok"})
    bad = failed_early(run, 1, {"lr": 0.2, "seed": 7}, BOOM + BOOM.replace("# 1", "# 2"))
    if is_listed:
        list_trials(run, (good, 0, "TERMINATED"), (bad, 1, "ERROR"))

    imported(run)

    study = load(run)
    failed = study.trials.iloc[-1]
    assert [each.learning_rate for each in study.manifest.setups] == [0.1, 0.2]
    assert failed["trial_id"] == ("ab12_00001" if is_listed else bad.name)
    assert failed[["setup", "seed", "status", "attempts", "error", "epochs"]].tolist() == [
        *(2, 7, "failed", 2, "ValueError: boom", 0)
    ]
    assert failed[["energy_j", "wasted_energy_j"]].isna().all()


def test_a_trial_that_tune_has_run_again_has_not_failed(tmp_path: Path) -> None:
    """Tune keeps the error of the first attempt; what that used is in the sum of the next one's results."""
    run = tmp_path / "old"
    energy = {"status": "ok", "attempt": 2}
    folder = trial(run, 0, {"lr": 0.1}, 0.9, **MEASURED, energy=energy, energy_wh=12.0 / 3600)
    (folder / "error.txt").write_text(BOOM)
    list_trials(run, (folder, 0, "TERMINATED"))

    imported(run)

    columns = ["status", "error", "attempts", "energy_j", "wasted_energy_j"]
    assert load(run).trials[columns].to_numpy().tolist() == [["finished", None, 2, 5.0, 7.0]]


def test_a_trial_that_was_still_to_go_on_has_not_finished(tmp_path: Path) -> None:
    """Its run was ended before; an error that it had was one of an earlier attempt."""
    run = tmp_path / "old"
    folder = trial(run, 0, {"lr": 0.1}, 0.9)
    (folder / "error.txt").write_text(BOOM)
    list_trials(run, (folder, 0, "RUNNING"))

    imported(run)

    columns = ["status", "error", "attempts"]
    trials = load(run).trials
    assert trials[columns].to_numpy().tolist() == [["running", None, 2]]
    assert trials["wasted_energy_j"].isna().all()


def test_an_attempt_before_a_restart_counts_without_a_result_too(tmp_path: Path) -> None:
    """`restart_errored`: what Tune no longer lists was in its list of the session before."""
    run = tmp_path / "old"
    lost = failed_early(run, 0, {"lr": 0.1, "seed": 0})
    again = trial(run, 1, {"lr": 0.1, "seed": 0}, 0.9, **MEASURED, energy={"status": "ok"})
    list_trials(run, (lost, 0, "ERROR"))
    list_trials(run, (again, 1, "TERMINATED"), of="2026-01-02")

    imported(run)

    columns = ["trial_id", "status", "attempts", "energy_j"]
    trials = load(run).trials
    assert trials[columns].to_numpy().tolist() == [["ab12_00001", "finished", 2, 5.0]]
    assert trials["wasted_energy_j"].isna().all()


def test_a_run_of_which_every_trial_failed_early_is_refused_with_an_error_of_theirs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to compare, and it is no wrong folder."""
    failed_early(tmp_path / "old", 0, {"lr": 0.1})

    assert imported(tmp_path / "old") == 2
    assert "all trials failed before. ValueError: boom" in capsys.readouterr().err
