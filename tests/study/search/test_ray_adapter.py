"""A search as the source of a study's trials: its searcher and stopper for Tune, without Ray."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from ray.tune.search import Searcher

from study.errors import StorageError
from study.execution.trial_source import TuneParts
from study.record.files import EARLIER_FILE, MANIFEST_FILE
from study.record.objective import ACCURACY
from study.record.records import EpochRecord
from study.record.vocabulary import Paradigm, Stage, StopReason
from study.search.options import SearchOptions
from study.search.ray_adapter import RaySearchAdapter
from study.search.space.setup_registry import listed_setups
from study.search.warm_start import EarlierStudies, Hint
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan
from study.store.trial_record import trial_record
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import epoch, plan

OPTIONS = SearchOptions(
    goal="energy-to-target",
    target=0.9,
    batch_sizes=(8, 16),
    learning_rates=(0.1,),
    halving="none",
    sampler="grid",
)
SPACE = OPTIONS.searched()


def recorder_of(folder: StudyFolder) -> Recorder:
    """Return a recorder of a search with one stage."""
    return Recorder(
        folder,
        study="a",
        paradigm=Paradigm.SEARCH,
        scenario="s",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=0.9,
    )


NOTHING_KNOWN = EarlierStudies(trials=(), hints=())


def begun_search(
    tmp_path: Path,
    options: SearchOptions = OPTIONS,
    *ended: EpochRecord,
    earlier: EarlierStudies = NOTHING_KNOWN,
) -> RaySearchAdapter:
    """Begin a search, and return it; `ended` are rows of an earlier command."""
    folder = StudyFolder(str(tmp_path), "a")
    folder.prepare()
    recorder = recorder_of(folder)
    for row in ended:
        recorder.add(row)
    source = RaySearchAdapter(options, SPACE, lambda *_: earlier)
    manifest = replace(
        MANIFEST, paradigm=Paradigm.SEARCH, setups=listed_setups(SPACE), seeds=options.seeds
    )
    source.begin(folder, manifest, recorder)
    return source


def plan_of(batch_size: int) -> TrialPlan:
    """Return a trial of an earlier study, in which its setup is number 1."""
    return plan(1, batch_size=batch_size)


def no_hook() -> None:
    """Do nothing."""


def ignore(_: str) -> None:
    """Ignore a message to the user."""


def parts_of(source: RaySearchAdapter, note: Callable[[], None] = no_hook) -> TuneParts:
    """Return the parts for Tune, with two slots."""
    return source.parts(slots=2, collect=no_hook, note=note, say=ignore)


def suggested(parts: TuneParts, number: int) -> dict[str, Any]:
    """Return the configuration of Tune's trial `number`."""
    assert isinstance(parts.searcher, Searcher)
    config = parts.searcher.suggest(f"tune{number}")
    assert isinstance(config, dict)
    return config


def is_finished(parts: TuneParts) -> bool:
    """Return whether the searcher has no more trials."""
    assert isinstance(parts.searcher, Searcher)
    word: Any = parts.searcher.suggest("more")
    return bool(word == Searcher.FINISHED)


def reported(config: dict[str, Any], accuracy: float) -> dict[str, Any]:
    """Return the result of a trial's first epoch."""
    return {**epoch(1, 4.0, accuracy, of=TrialPlan.from_config(config)).to_row(), "config": config}


@pytest.mark.slow
def test_tune_gets_trials_until_all_setups_were_tried(tmp_path: Path) -> None:
    """As many run at a time as there are slots; the searcher says when it has finished."""
    parts = parts_of(begun_search(tmp_path))

    sizes = [suggested(parts, number)["batch_size"] for number in (1, 2)]

    assert sizes == [8, 16]
    assert (parts.samples, parts.at_once, parts.param_space) == (-1, 2, None)
    assert is_finished(parts)


def test_setups_are_recorded_before_they_are_trained(tmp_path: Path) -> None:
    """They are recorded once for each proposal."""
    notes: list[int] = []
    parts = parts_of(begun_search(tmp_path), note=lambda: notes.append(1))

    suggested(parts, 1)

    assert notes == [1]


def test_a_trial_at_the_target_is_stopped_with_that_reason(tmp_path: Path) -> None:
    """The reason is in Tune's result, which the callback records as a row."""
    parts = parts_of(begun_search(tmp_path))
    result = reported(suggested(parts, 1), 0.95)

    assert parts.stopper is not None
    stopped = parts.stopper("tune1", result)

    assert stopped
    assert result["stop_reason"] == StopReason.TARGET
    assert not parts.stopper.stop_all()


def test_a_trial_below_the_target_continues(tmp_path: Path) -> None:
    """Its row gets no stop reason."""
    parts = parts_of(begun_search(tmp_path))
    result = reported(suggested(parts, 1), 0.5)

    assert parts.stopper is not None
    stopped = parts.stopper("tune1", result)

    assert not stopped
    assert result["stop_reason"] is None


@pytest.mark.parametrize(
    ("result", "error", "state"),
    [
        ({"stop_reason": StopReason.TARGET.value}, False, optuna.trial.TrialState.COMPLETE),
        ({"stop_reason": StopReason.ERROR.value}, False, optuna.trial.TrialState.FAIL),
        (None, True, optuna.trial.TrialState.FAIL),
    ],
)
def test_optunas_study_records_how_a_trial_ended(
    tmp_path: Path,
    result: dict[str, Any] | None,
    error: bool,  # noqa: FBT001 - a parameter
    state: optuna.trial.TrialState,
) -> None:
    """A trial that raised an exception, or whose process died, has failed."""
    parts = parts_of(begun_search(tmp_path))
    config = suggested(parts, 1)
    assert parts.stopper is not None
    parts.stopper("tune1", reported(config, 0.95))
    assert isinstance(parts.searcher, Searcher)

    parts.searcher.on_trial_complete("tune1", result, error=error)

    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/a/optuna.db")
    (trial,) = optuna.load_study(study_name="a", storage=storage).trials
    assert trial.state is state


def test_a_resumed_search_proposes_only_setups_without_an_ended_trial(tmp_path: Path) -> None:
    """A trial that ended in an earlier command is neither proposed nor remaining."""
    first = begun_search(tmp_path)
    plan = TrialPlan.from_config(suggested(parts_of(first), 1))
    StudyFolder(str(tmp_path), "a").write_text(MANIFEST_FILE, MANIFEST.to_json())

    resumed = begun_search(
        tmp_path,
        replace(OPTIONS, resume=True, name="a"),
        epoch(1, 4.0, 0.95, of=plan, stop=StopReason.TARGET),
    )

    parts = parts_of(resumed)
    assert [each.batch_size for each in resumed.remaining] == [16]
    assert suggested(parts, 2)["batch_size"] == 16
    assert is_finished(parts)
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/a/optuna.db")
    [study] = storage.get_all_studies()
    states = [each.state for each in storage.get_all_trials(study._study_id)]  # noqa: SLF001
    assert states.count(TrialState.RUNNING) == 1, "only what was proposed last"


def test_a_setup_known_from_an_earlier_study_is_not_trained_again(tmp_path: Path) -> None:
    """Its trial is kept with the number that its setup has in this search; other setups are trained."""
    row = epoch(1, 4.0, 0.95, of=plan_of(16), stop=StopReason.TARGET)
    record = trial_record(
        plan_of(16),
        epochs=[row],
        windows=[],
        error=None,
        study="g",
        paradigm=Paradigm.REGIME,
        scenario="s",
        stages=(Stage.ENCODER_CLASSIFIER,),
        objective=ACCURACY,
        target=0.9,
    )
    hint = Hint(choice=(16, 0.1), values=(0.6,), study="g")

    source = begun_search(tmp_path, earlier=EarlierStudies(trials=(record,), hints=(hint,)))

    parts = parts_of(source)
    kept = StudyFolder(str(tmp_path), "a").read_rows(EARLIER_FILE)
    assert suggested(parts, 1)["batch_size"] == 8
    assert is_finished(parts)
    assert [(each["study"], each["setup"]) for each in kept] == [("g", 2)]
    assert [each.setup for each in source.known] == [2]


def test_a_search_expects_only_trials_that_it_has_begun(tmp_path: Path) -> None:
    """How many it will need is known only at its end."""
    source = begun_search(tmp_path)

    assert source.expected == len(source.trials()) == 0
    assert source.has_more
    assert source.summary == "a search over 2 setups"


def test_optunas_study_needs_a_file_system() -> None:
    """SQLite cannot write to a bucket; this is an error before anything is trained."""
    folder = StudyFolder("mock:///bucket", "a")
    source = RaySearchAdapter(OPTIONS, SPACE, lambda *_: NOTHING_KNOWN)

    with pytest.raises(StorageError, match="not in a file system"):
        source.check(folder, MANIFEST)


def test_searcher_and_stopper_are_pickled_without_state(tmp_path: Path) -> None:
    """A search resumes from its rows, and its open files cannot be pickled."""
    parts = parts_of(begun_search(tmp_path))

    assert parts.searcher.__getstate__() == {}
    assert parts.stopper.__getstate__() == {}
