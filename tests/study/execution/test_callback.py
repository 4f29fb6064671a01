"""What a study's callback does with what Ray Tune reports."""

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
class Books:
    """Stands for a cluster: remembers which trials it released."""

    released: list[str] = field(default_factory=list)
    taken: int = 0
    known: str | None = None

    closed: list[str] = field(default_factory=list)
    waits: frozenset[str] = frozenset()
    has_released: bool = False

    def close(self, node_id: str) -> None:
        """Remember it."""
        self.closed.append(node_id)

    def waiting(self) -> frozenset[str]:
        """The trials that wait."""
        return self.waits

    def release_waiting(self) -> None:
        """Remember it."""
        self.has_released = True

    def name_of(self, node_id: str) -> str:
        """A name for people."""
        return f"machine {node_id}"

    def why_ended(self, trial_id: str) -> str | None:  # noqa: ARG002 - as the cluster's
        """What trackers know."""
        return self.known

    def release(self, trial_id: str) -> None:
        """Remember it."""
        self.released.append(trial_id)

    def take_bookings(self) -> list[Booking]:
        """Count the calls; nothing was booked."""
        self.taken += 1
        return []


@dataclass
class Shown:
    """Stands for the display: remembers what it was given, in order."""

    events: list[tuple[str, str]] = field(default_factory=list)

    def begin(self, trial_id: str, setup: int) -> None:  # noqa: ARG002 - as the display's
        """A trial has begun."""
        self.events.append(("begin", trial_id))

    def epoch(self, record: Any) -> None:  # noqa: ANN401 - an EpochRecord
        """An epoch has ended."""
        self.events.append(("epoch", record.trial_id))

    def end(self, trial_id: str, setup: int, whole: Any) -> None:  # noqa: ANN401, ARG002 - as the display's
        """A trial has ended."""
        self.events.append(("end", trial_id))

    def say(self, text: str) -> None:
        """A sentence for the user."""
        self.events.append(("say", text))

    def lost(self, trial_id: str, setup: int, *, why: str) -> None:  # noqa: ARG002 - as the display's
        """A trial is run again."""
        self.events.append(("lost", why))


@dataclass
class Scene:
    """A callback among what it hands on to."""

    callback: StudyCallback
    recorder: Recorder
    books: Books
    shown: Shown
    files: "Files"


@dataclass
class Files:
    """Stands for a writer of Tune's files: remembers the epochs that it was given."""

    epochs: list[int] = field(default_factory=list)

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401, ARG002 - as Tune's
        """Write a result."""
        self.epochs.append(result["epoch"])


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    """A callback with so many restarts left as the test's parameter says; one without."""
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
    books, shown, files = Books(), Shown(), Files()
    callback = StudyCallback(
        recorder,
        cast("Any", shown),
        cast("Cluster", books),
        Quarantine(["well", "sick"]),
        cast("Admissions", books),
        journals=Journals(StudyFolder(str(tmp_path), "a")),
        restarts=getattr(request, "param", 1),
        files=(cast("Any", files),),
    )
    return Scene(callback, recorder, books, shown, files)


def trial_of(trial: TrialPlan) -> Any:  # noqa: ANN401 - Tune's
    """A trial as Tune has it, which has written down no error."""
    return SimpleNamespace(config=trial.to_config(), evaluated_params=None)


def reported(stop: StopReason | None = None) -> dict[str, Any]:
    """A result of the trial's first epoch as Tune has it."""
    return {**epoch(1, 2.0, stop=stop).to_row(), "config": plan().to_config()}


def test_tensorboard_compares_by_the_setups_parameters(scene: Scene) -> None:
    """A list of points would leave its table of hyper-parameters empty."""
    trial = trial_of(plan(3))

    scene.callback.on_trial_start(trial=trial)

    assert trial.evaluated_params == {
        "batch_size": 64,
        "learning_rate": 0.1,
        "seed": 0,
        "setup": 3,
    }
    assert scene.shown.events == [("begin", "setup03-seed0")]


def test_an_epoch_is_recorded_and_shown(scene: Scene) -> None:
    """As the row that it was reported as."""
    scene.callback.on_trial_result(result=reported())

    assert [trial.epochs for trial in scene.recorder.trials()] == [1]
    assert scene.shown.events == [("epoch", "setup01-seed0")]


def test_a_trial_that_reports_an_error_has_failed(scene: Scene) -> None:
    """With the last line of what it raised."""
    row = reported(StopReason.ERROR)

    scene.callback.on_trial_result(result={**row, "error": "Traceback\nValueError: no"})

    (trial,) = scene.recorder.trials()
    assert trial.status is TrialStatus.FAILED
    assert trial.error == "ValueError: no"


def test_an_ended_trial_is_released(scene: Scene) -> None:
    """Its tracker then hands out what it has booked."""
    scene.callback.on_trial_complete(trial=trial_of(plan()))

    assert scene.books.released == ["setup01-seed0"]
    assert scene.shown.events == [("end", "setup01-seed0")]


def test_a_lost_process_is_a_later_attempt(scene: Scene) -> None:
    """While there are restarts left; it is said why it was lost."""
    scene.books.known = "its process was ended by SIGSEGV"

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert [(each.trial_id, each.attempt) for each in scene.callback.lost] == [("setup01-seed0", 2)]
    assert scene.shown.events == [("lost", "its process was ended by SIGSEGV")]
    assert scene.books.released == ["setup01-seed0"]


@pytest.mark.parametrize("scene", [0], indirect=True)
def test_without_restarts_a_lost_process_is_a_failed_trial(scene: Scene) -> None:
    """Nothing runs it again in this command, and its row says why it was lost."""
    scene.books.known = "its process called os._exit(3)"

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert scene.callback.lost == []
    (trial,) = scene.recorder.trials()
    assert (trial.status, trial.error) == (TrialStatus.FAILED, scene.books.known)
    assert scene.shown.events == [("end", "setup01-seed0")]


def test_a_process_lost_after_the_last_report_has_lost_nothing(scene: Scene) -> None:
    """Its trial has its result."""
    scene.callback.on_trial_result(result=reported(StopReason.PATIENCE))

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert scene.callback.lost == []
    assert [trial.status for trial in scene.recorder.trials()] == [TrialStatus.FINISHED]


def test_rows_are_written_when_it_is_time(scene: Scene, tmp_path: Path) -> None:
    """With what trackers have booked; the end of a stage makes it time."""
    scene.callback.on_step_end()
    early = scene.books.taken
    scene.callback.on_trial_result(result=reported(StopReason.PATIENCE))

    scene.callback.on_step_end()

    assert (early, scene.books.taken) == (0, 1)
    assert (tmp_path / "a" / "epochs.parquet").is_file()


WELL = 8
"""A setup that trains."""


def on(machine: str, setup: int, stop: StopReason | None = None) -> dict[str, Any]:
    """A result of a trial's first epoch, or its failure before that, from a machine."""
    row = epoch(1, 2.0, of=plan(setup), stop=stop).to_row()
    return {**row, "config": plan(setup).to_config(), "ray_node": machine}


def sickened(scene: Scene) -> None:
    """One machine trains, and another fails as many trials as it takes."""
    for setup in (WELL, *range(1, CLOSED_AFTER + 1)):
        scene.callback.on_trial_start(trial=trial_of(plan(setup)))
    scene.callback.on_trial_result(result=on("well", WELL))
    for setup in range(1, CLOSED_AFTER + 1):
        scene.callback.on_trial_result(result=on("sick", setup, StopReason.ERROR))


def test_a_machine_that_fails_every_trial_is_closed(scene: Scene) -> None:
    """It is said once, and what it has failed is run again elsewhere."""
    sickened(scene)

    (said,) = [text for event, text in scene.shown.events if event == "say"]
    assert scene.books.closed == ["sick"]
    assert "machine sick failed 3 trials in a row" in said
    assert [(each.setup, each.attempt) for each in scene.callback.lost] == [(1, 2), (2, 2), (3, 2)]


def test_a_trial_that_a_closed_machine_sends_away_is_put_back(scene: Scene) -> None:
    """It has not begun, so it is not a further attempt, and has no row."""
    sickened(scene)
    scene.callback.on_trial_start(trial=trial_of(plan(9)))

    scene.callback.on_trial_result(result={"done": True})
    scene.callback.on_trial_complete(trial=trial_of(plan(9)))

    assert (scene.callback.lost[-1].setup, scene.callback.lost[-1].attempt) == (9, 1)
    assert plan(9).trial_id not in {trial.trial_id for trial in scene.recorder.trials()}
    assert scene.shown.events[-1][0] == "lost"


def test_trials_on_closed_machines_are_sent_away_when_nothing_else_runs(scene: Scene) -> None:
    """Until then each keeps its place from others."""
    sickened(scene)
    held, running = trial_of(plan(9)), trial_of(plan(WELL))
    held.status = running.status = "RUNNING"
    scene.books.waits = frozenset({plan(9).trial_id})

    scene.callback.on_step_end(trials=[held, running])
    while_others_run = scene.books.has_released
    running.status = "TERMINATED"
    time.sleep(CHECK_EVERY_S)
    scene.callback.on_step_end(trials=[held, running])

    assert not while_others_run
    assert scene.books.has_released


def test_tune_stores_nothing_of_it(scene: Scene) -> None:
    """A study is resumed from its rows, and what is open cannot be pickled."""
    stored = pickle.loads(pickle.dumps(scene.callback))  # noqa: S301 - our own

    assert vars(stored) == {}


def test_all_rows_of_a_report_are_taken(scene: Scene) -> None:
    """Tune hands its files the last one by itself."""
    told: list[dict[str, Any]] = []
    with Reports("well", every_s=3600.0, keep=lambda _: None, report=told.append) as reports:
        for number in (1, 2, 3):
            stop = StopReason.MAX_EPOCHS if number == 3 else None
            reports(epoch(number, 2.0, stop=stop).to_row())

    for report in told:
        result = {**report, "config": plan().to_config()}
        scene.callback.on_trial_result(iteration=1, trial=trial_of(plan()), result=result)

    assert [each.epoch for each in scene.recorder.epochs_of(plan().trial_id)] == [1, 2, 3]
    assert scene.shown.events == [("epoch", plan().trial_id)] * 3
    assert scene.files.epochs == [2]


def test_rows_of_a_lost_process_that_were_not_reported_are_found(
    scene: Scene, tmp_path: Path
) -> None:
    """They wait for each other in a plain grid."""
    journal = Journal(StudyFolder(str(tmp_path), "a"), plan().trial_id, attempt=1)
    journal.keep(epoch(1, 2.0).to_row())

    scene.callback.on_trial_error(trial=trial_of(plan()))

    assert [each.epoch for each in scene.recorder.epochs_of(plan().trial_id)] == [1]
    assert ("epoch", plan().trial_id) in scene.shown.events
