"""A search as the source of a study's trials: what Ray Tune gets from it, without Ray."""

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
    """Of a search with one stage."""
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


def begun(
    tmp_path: Path,
    options: SearchOptions = OPTIONS,
    *ended: EpochRecord,
    earlier: EarlierStudies = NOTHING_KNOWN,
) -> RaySearchAdapter:
    """A search that has begun; `ended` are rows of an earlier command."""
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
    """A trial of an earlier study, in which its setup is the first."""
    return plan(1, batch_size=batch_size)


def nothing() -> None:
    """Stands for a hook that a test does not look at."""


def hear(_: str) -> None:
    """Stands for a user to whom nothing is said."""


def parts_of(source: RaySearchAdapter, note: Callable[[], None] = nothing) -> TuneParts:
    """What Tune gets, with two slots."""
    return source.parts(slots=2, collect=nothing, note=note, say=hear)


def suggested(parts: TuneParts, number: int) -> dict[str, Any]:
    """The configuration of Tune's trial `number`."""
    assert isinstance(parts.searcher, Searcher)
    config = parts.searcher.suggest(f"tune{number}")
    assert isinstance(config, dict)
    return config


def is_finished(parts: TuneParts) -> bool:
    """Whether there is no more trial to come."""
    assert isinstance(parts.searcher, Searcher)
    word: Any = parts.searcher.suggest("more")
    return bool(word == Searcher.FINISHED)


def reported(config: dict[str, Any], accuracy: float) -> dict[str, Any]:
    """The result of a trial's first epoch."""
    return {**epoch(1, 4.0, accuracy, of=TrialPlan.from_config(config)).to_row(), "config": config}


def test_tune_gets_one_trial_after_another_until_all_were_tried(tmp_path: Path) -> None:
    """As many at a time as there are slots; the searcher says when it is done."""
    parts = parts_of(begun(tmp_path))

    sizes = [suggested(parts, number)["batch_size"] for number in (1, 2)]

    assert sizes == [8, 16]
    assert (parts.samples, parts.at_once, parts.param_space) == (-1, 2, None)
    assert is_finished(parts)


def test_setups_are_written_down_before_they_are_trained(tmp_path: Path) -> None:
    """Once for each proposal."""
    notes: list[int] = []
    parts = parts_of(begun(tmp_path), note=lambda: notes.append(1))

    suggested(parts, 1)

    assert notes == [1]


def test_a_trial_at_the_target_ends_and_its_row_says_so(tmp_path: Path) -> None:
    """Tune's result is the row that the callback records."""
    parts = parts_of(begun(tmp_path))
    result = reported(suggested(parts, 1), 0.95)

    assert parts.stopper is not None
    stopped = parts.stopper("tune1", result)

    assert stopped
    assert result["stop_reason"] == StopReason.TARGET
    assert not parts.stopper.stop_all()


def test_a_trial_below_the_target_goes_on(tmp_path: Path) -> None:
    """With its row as it was."""
    parts = parts_of(begun(tmp_path))
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
def test_optuna_learns_how_a_trial_ended(
    tmp_path: Path,
    result: dict[str, Any] | None,
    error: bool,  # noqa: FBT001 - a parameter
    state: optuna.trial.TrialState,
) -> None:
    """One that raised, or whose process died, has failed."""
    parts = parts_of(begun(tmp_path))
    config = suggested(parts, 1)
    assert parts.stopper is not None
    parts.stopper("tune1", reported(config, 0.95))
    assert isinstance(parts.searcher, Searcher)

    parts.searcher.on_trial_complete("tune1", result, error=error)

    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/a/optuna.db")
    (trial,) = optuna.load_study(study_name="a", storage=storage).trials
    assert trial.state is state


def test_a_resumed_search_proposes_what_has_not_ended(tmp_path: Path) -> None:
    """What ended in an earlier command is neither proposed nor remaining."""
    first = begun(tmp_path)
    plan = TrialPlan.from_config(suggested(parts_of(first), 1))
    StudyFolder(str(tmp_path), "a").write_text(MANIFEST_FILE, MANIFEST.to_json())

    resumed = begun(
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


def test_what_an_earlier_study_knows_is_not_trained_again(tmp_path: Path) -> None:
    """Its trial is kept with the number that its setup has here; the others are trained."""
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

    source = begun(tmp_path, earlier=EarlierStudies(trials=(record,), hints=(hint,)))

    parts = parts_of(source)
    kept = StudyFolder(str(tmp_path), "a").read_rows(EARLIER_FILE)
    assert suggested(parts, 1)["batch_size"] == 8
    assert is_finished(parts)
    assert [(each["study"], each["setup"]) for each in kept] == [("g", 2)]
    assert [each.setup for each in source.known] == [2]


def test_a_search_expects_the_trials_that_it_began(tmp_path: Path) -> None:
    """How many it needs is known at its end."""
    source = begun(tmp_path)

    assert source.expected == len(source.trials()) == 0
    assert source.has_more
    assert source.summary == "a search over 2 setups"


def test_optunas_study_needs_a_file_system() -> None:
    """SQLite cannot be kept in a bucket, which the message says before anything is trained."""
    folder = StudyFolder("mock:///bucket", "a")
    source = RaySearchAdapter(OPTIONS, SPACE, lambda *_: NOTHING_KNOWN)

    with pytest.raises(StorageError, match="not in a file system"):
        source.check(folder, MANIFEST)


def test_tune_stores_neither_searcher_nor_stopper(tmp_path: Path) -> None:
    """A search is resumed from its rows; what is open cannot be pickled."""
    parts = parts_of(begun(tmp_path))

    assert parts.searcher.__getstate__() == {}
    assert parts.stopper.__getstate__() == {}
