"""The study's callback and the events of Ray Tune."""

import pickle
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from study.execution.callback import CHECK_EVERY_S, StudyCallback
from study.execution.reporting.journal import Journal, Journals
from study.execution.reporting.reports import Reports
from study.machines.admissions import Admissions
from study.machines.cluster import Cluster
from study.machines.quarantine import CLOSED_AFTER, Quarantine
from study.record.objective import ACCURACY
from study.record.vocabulary import Paradigm, Stage, StopReason, TrialStatus
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan
from tests.study.rows import epoch, plan
from trackers.node.ledger import Booking


@dataclass
class FakeCluster:
    """Stand-in for a cluster and its admissions: records what it is asked to do."""

    released: list[str] = field(default_factory=list)
    taken: int = 0
    known: str | None = None

    closed: list[str] = field(default_factory=list)
    waits: frozenset[str] = frozenset()
    has_released: bool = False

    def close(self, node_id: str) -> None:
        """Record the machine."""
        self.closed.append(node_id)

    def waiting(self) -> frozenset[str]:
        """Return the trials that wait."""
        return self.waits

    def release_waiting(self) -> None:
        """Record the call."""
        self.has_released = True

    def name_of(self, node_id: str) -> str:
        """Return a readable name."""
        return f"machine {node_id}"

    def why_ended(self, trial_id: str) -> str | None:  # noqa: ARG002 - as the cluster's
        """Return the reason that the tracker knows."""
        return self.known

    def release(self, trial_id: str) -> None:
        """Record the trial."""
        self.released.append(trial_id)

    def take_bookings(self) -> list[Booking]:
        """Count the call, and return no bookings."""
        self.taken += 1
        return []


@dataclass
class FakeDisplay:
    """Stand-in for the display: records its events in order."""

    events: list[tuple[str, str]] = field(default_factory=list)

    def begin(self, trial_id: str, setup: int) -> None:  # noqa: ARG002 - as the display's
        """Record that a trial has begun."""
        self.events.append(("begin", trial_id))

    def epoch(self, record: Any) -> None:  # noqa: ANN401 - an EpochRecord
        """Record that an epoch has ended."""
        self.events.append(("epoch", record.trial_id))

    def end(self, trial_id: str, setup: int, whole: Any) -> None:  # noqa: ANN401, ARG002 - as the display's
        """Record that a trial has ended."""
        self.events.append(("end", trial_id))

    def say(self, text: str) -> None:
        """Record a message to the user."""
        self.events.append(("say", text))

    def lost(self, trial_id: str, setup: int, *, why: str) -> None:  # noqa: ARG002 - as the display's
        """Record that a trial will be run again."""
        self.events.append(("lost", why))


@dataclass
class Scene:
    """A callback with the stand-ins that it passes events on to."""

    callback: StudyCallback
    recorder: Recorder
    cluster: FakeCluster
    display: FakeDisplay
    files: "FakeFiles"


@dataclass
class FakeFiles:
    """Stand-in for a logger callback of Tune: records the epochs that it receives."""

    epochs: list[int] = field(default_factory=list)

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401, ARG002 - as Tune's
        """Record the epoch of a result."""
        self.epochs.append(result["epoch"])


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    """A callback with as many restarts left as the test's parameter says; one by default."""
    recorder = Recorder(
        StudyFolder(str(tmp_path), "a"),
        study="a",
        paradigm=Paradigm.REGIME,
        scenario="s",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=None,
    )
    recorder.expect([plan()])
    cluster, display, files = FakeCluster(), FakeDisplay(), FakeFiles()
    callback = StudyCallback(
        recorder,
        cast("Any", display),
        cast("Cluster", cluster),
        Quarantine(["well", "sick"]),
        cast("Admissions", cluster),
        journals=Journals(StudyFolder(str(tmp_path), "a")),
        restarts=getattr(request, "param", 1),
        files=(cast("Any", files),),
    )
    return Scene(callback, recorder, cluster, display, files)


def trial_of(trial: TrialPlan) -> Any:  # noqa: ANN401 - Tune's
    """A trial as Tune passes it, without an error file."""
    return SimpleNamespace(config=trial.to_config(), evaluated_params=None)


def first_epoch_result(stop: StopReason | None = None) -> dict[str, Any]:
    """A result of the trial's first epoch as Tune passes it."""
    return {**epoch(1, 2.0, stop=stop).to_row(), "config": plan().to_config()}


def test_tensorboard_gets_the_parameters_of_the_setup(scene: Scene) -> None:
    """Tune leaves them empty for a list of points to evaluate."""
    trial = trial_of(plan(3))

    scene.callback.on_trial_start(trial=trial)

    assert trial.evaluated_params == {
        "batch_size": 64,
        "learning_rate": 0.1,
        "seed": 0,
        "setup": 3,
    }
    assert scene.display.events == [("begin", "setup03-seed0")]


def test_an_epoch_is_recorded_and_shown(scene: Scene) -> None:
    """The reported row reaches the recorder and the display."""
    scene.callback.on_trial_result(result=first_epoch_result())

    assert [trial.epochs for trial in scene.recorder.trials()] == [1]
    assert scene.display.events == [("epoch", "setup01-seed0")]


def test_a_trial_that_reports_an_error_has_failed(scene: Scene) -> None:
    """Its error is the last line of the traceback."""
    row = first_epoch_result(StopReason.ERROR)

    scene.callback.on_trial_result(result={**row, "error": "Traceback\nValueError: no"})

    (trial,) = scene.recorder.trials()
    assert trial.status is TrialStatus.FAILED
    assert trial.error == "ValueError: no"


def test_an_ended_trial_is_released(scene: Scene) -> None:
    """Its tracker can then hand over the trial's bookings."""
    scene.callback.on_trial_complete(trial=trial_of(plan()))

    assert scene.cluster.released == ["setup01-seed0"]
    assert scene.display.events == [("end", "setup01-seed0")]


def test_a_trial_whose_process_is_lost_is_run_again(scene: Scene) -> None:
    """While restarts are left it becomes the next attempt, and the display shows why it was lost."""
    scene.cluster.known = "its process was ended by SIGSEGV"

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert [(each.trial_id, each.attempt) for each in scene.callback.lost] == [("setup01-seed0", 2)]
    assert scene.display.events == [("lost", "its process was ended by SIGSEGV")]
    assert scene.cluster.released == ["setup01-seed0"]


@pytest.mark.parametrize("scene", [0], indirect=True)
def test_without_restarts_a_trial_whose_process_is_lost_fails(scene: Scene) -> None:
    """The command does not run it again, and its row says why it was lost."""
    scene.cluster.known = "its process called os._exit(3)"

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert scene.callback.lost == []
    (trial,) = scene.recorder.trials()
    assert (trial.status, trial.error) == (TrialStatus.FAILED, scene.cluster.known)
    assert scene.display.events == [("end", "setup01-seed0")]


def test_a_process_lost_after_the_last_report_does_not_matter(scene: Scene) -> None:
    """The trial has all its results, so it is finished."""
    scene.callback.on_trial_result(result=first_epoch_result(StopReason.PATIENCE))

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert scene.callback.lost == []
    assert [trial.status for trial in scene.recorder.trials()] == [TrialStatus.FINISHED]


def test_rows_are_written_when_due(scene: Scene, tmp_path: Path) -> None:
    """The end of a stage makes them due; bookings of the trackers are taken first."""
    scene.callback.on_step_end()
    before = scene.cluster.taken
    scene.callback.on_trial_result(result=first_epoch_result(StopReason.PATIENCE))

    scene.callback.on_step_end()

    assert (before, scene.cluster.taken) == (0, 1)
    assert (tmp_path / "a" / "epochs.parquet").is_file()


WELL = 8
"""Number of a setup whose trial trains without fault."""


def result_from(machine: str, setup: int, stop: StopReason | None = None) -> dict[str, Any]:
    """A result from a machine: a trial's first epoch, or with `stop` its end."""
    row = epoch(1, 2.0, of=plan(setup), stop=stop).to_row()
    return {**row, "config": plan(setup).to_config(), "ray_node": machine}


def fail_machine(scene: Scene) -> None:
    """Let one machine train, and another fail as many trials as close it."""
    for setup in (WELL, *range(1, CLOSED_AFTER + 1)):
        scene.callback.on_trial_start(trial=trial_of(plan(setup)))
    scene.callback.on_trial_result(result=result_from("well", WELL))
    for setup in range(1, CLOSED_AFTER + 1):
        scene.callback.on_trial_result(result=result_from("sick", setup, StopReason.ERROR))


def test_a_machine_that_fails_every_trial_is_closed(scene: Scene) -> None:
    """The user is told once, and its failed trials are run again elsewhere."""
    fail_machine(scene)

    (message,) = [text for event, text in scene.display.events if event == "say"]
    assert scene.cluster.closed == ["sick"]
    assert "machine sick failed 3 trials in a row" in message
    assert [(each.setup, each.attempt) for each in scene.callback.lost] == [(1, 2), (2, 2), (3, 2)]


def test_a_trial_that_leaves_a_closed_machine_unbegun_is_put_back(scene: Scene) -> None:
    """As it has not begun, it keeps its attempt number and has no row."""
    fail_machine(scene)
    scene.callback.on_trial_start(trial=trial_of(plan(9)))

    scene.callback.on_trial_result(result={"done": True})
    scene.callback.on_trial_complete(trial=trial_of(plan(9)))

    assert (scene.callback.lost[-1].setup, scene.callback.lost[-1].attempt) == (9, 1)
    assert plan(9).trial_id not in {trial.trial_id for trial in scene.recorder.trials()}
    assert scene.display.events[-1][0] == "lost"


@pytest.mark.slow
def test_trials_leave_closed_machines_when_nothing_else_runs(scene: Scene) -> None:
    """Until then they wait, so that no other trial is placed there."""
    fail_machine(scene)
    waiting, running = trial_of(plan(9)), trial_of(plan(WELL))
    waiting.status = running.status = "RUNNING"
    scene.cluster.waits = frozenset({plan(9).trial_id})

    scene.callback.on_step_end(trials=[waiting, running])
    was_released_early = scene.cluster.has_released
    running.status = "TERMINATED"
    time.sleep(CHECK_EVERY_S)
    scene.callback.on_step_end(trials=[waiting, running])

    assert not was_released_early
    assert scene.cluster.has_released


def test_tune_stores_no_state_of_the_callback(scene: Scene) -> None:
    """A study is resumed from its rows, and open resources cannot be pickled."""
    stored = pickle.loads(pickle.dumps(scene.callback))  # noqa: S301 - our own

    assert vars(stored) == {}


def test_all_rows_of_a_report_are_passed_on(scene: Scene) -> None:
    """Tune itself passes the last one to its logger callbacks, so they get only the others."""
    sent: list[dict[str, Any]] = []
    with Reports("well", every_s=3600.0, keep=lambda _: None, report=sent.append) as reports:
        for number in (1, 2, 3):
            stop = StopReason.MAX_EPOCHS if number == 3 else None
            reports(epoch(number, 2.0, stop=stop).to_row())

    for report in sent:
        result = {**report, "config": plan().to_config()}
        scene.callback.on_trial_result(iteration=1, trial=trial_of(plan()), result=result)

    assert [each.epoch for each in scene.recorder.epochs_of(plan().trial_id)] == [1, 2, 3]
    assert scene.display.events == [("epoch", plan().trial_id)] * 3
    assert scene.files.epochs == [2]


def test_rows_of_a_lost_process_that_were_not_reported_are_found(
    scene: Scene, tmp_path: Path
) -> None:
    """In a plain grid, rows are collected before they are reported; the journal has those."""
    journal = Journal(StudyFolder(str(tmp_path), "a"), plan().trial_id, attempt=1)
    journal.keep(epoch(1, 2.0).to_row())

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert [each.epoch for each in scene.recorder.epochs_of(plan().trial_id)] == [1]
    assert ("epoch", plan().trial_id) in scene.display.events
