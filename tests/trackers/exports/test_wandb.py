"""W&B: its settings, and what its offline runs have besides the energies of epochs."""

from pathlib import Path

import pytest

from tests.trackers.exports.receivers import wandb_records
from tests.trackers.exports.remembering import an_epoch
from tests.waiting import waited_for
from trackers.exports.exporter import Study, Trial
from trackers.exports.wandb import WandbExporter, end_limit


@pytest.mark.parametrize(
    ("environment", "is_limited"), [({}, True), ({"WANDB_FINISH_TIMEOUT": "600"}, False)]
)
def test_the_wait_for_a_server_at_the_end_is_limited(
    environment: dict[str, str], *, is_limited: bool
) -> None:
    """W&B would wait for ever for an unreachable server; a limit that the user has set is kept."""
    assert (0 < end_limit(environment).get("finish_timeout", 0) <= 60) is is_limited


@pytest.mark.integrations
def test_files_totals_and_failures_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study's run has the files, each run its totals, and that of a failed trial the exit status 1."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("a report")
    exporter = WandbExporter("")

    exporter.begin(Study(identity=str(tmp_path), name="mine", folder=tmp_path))
    for name in ("a", "b"):
        exporter.begin_trial(Trial(trial_id=name, identity=name))
        exporter.epoch(an_epoch(1, trial_id=name, energy_j=2.0))
    exporter.end_trial("a", failed=False, totals={"energy_j": 2.0})
    exporter.end_trial("b", failed=True, totals={})
    exporter.keep([tmp_path / "report"])
    exporter.end(finished=True, totals={"energy_j": 4.0})

    # W&B writes them in a separate process.
    waited_for(lambda: len(_runs(tmp_path)[0]) > 2, "the ends of all runs")
    statuses, totals_j, files = _runs(tmp_path)
    assert statuses == {"mine": 0, "a": 0, "b": 1}
    assert totals_j == {"mine": 4.0, "a": 2.0}
    assert files == {"mine": ["report/index.html"]}


def _runs(folder: Path) -> tuple[dict[str, int], dict[str, float], dict[str, list[str]]]:
    """Exit statuses, total energies and files of the offline runs that have them, by the name of the run."""
    names: dict[Path, str] = {}
    statuses: dict[str, int] = {}
    totals_j: dict[str, float] = {}
    files: dict[str, list[str]] = {}
    for file, record in wandb_records(folder):
        match record.WhichOneof("record_type"):
            case "run":
                names[file] = record.run.display_name
            case "exit":
                statuses[names[file]] = record.exit.exit_code
            case "artifact":
                files[names[file]] = [each.path for each in record.artifact.manifest.contents]
            case "summary":
                for each in record.summary.update:
                    if each.key == "total/energy_j":
                        totals_j[names[file]] = float(each.value_json)
    return statuses, totals_j, files
