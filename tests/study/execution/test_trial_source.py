"""A grid as the source of a study's trials."""

from dataclasses import replace
from pathlib import Path

from study.execution.trial_source import GridSource, TrialSource, grid_text
from study.options import StudyOptions
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY
from study.record.vocabulary import Paradigm, Stage, StopReason
from study.repeats.source import RepeatsSource
from study.search.ray_adapter import RaySearchAdapter
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import grid, trial_plans
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import epoch

SETUPS = grid((8, 16), (0.1,))


def grid_source(tmp_path: Path, *, ended: int = 0, seeds: int = 2) -> tuple[GridSource, Recorder]:
    """Source of a grid of two setups whose first `ended` trials ended in an earlier command."""
    options = StudyOptions(batch_sizes=(8, 16), learning_rates=(0.1,), repeats=seeds)
    folder = StudyFolder(str(tmp_path), "a")
    recorder = Recorder(
        folder,
        study="a",
        paradigm=Paradigm.REGIME,
        scenario="s",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=None,
    )
    plans = trial_plans(SETUPS, options.seeds, shuffle_seed=options.seed)
    for plan in plans[:ended]:
        recorder.add(epoch(1, of=plan, stop=StopReason.PATIENCE))
    source = GridSource(options)
    source.begin(folder, replace(MANIFEST, setups=SETUPS, seeds=options.seeds), recorder)
    return source, recorder


def do_nothing() -> None:
    """Stand-in for collecting bookings and writing the manifest, which a grid does not need."""


def ignore(_: str) -> None:
    """Stand-in for printing to the user."""


def test_all_sources_implement_the_protocol() -> None:
    """Grid, repeats and search are all a `TrialSource`, as mypy checks; only some allow restarts."""
    sources: tuple[type[TrialSource], ...] = (GridSource, RepeatsSource, RaySearchAdapter)

    assert {each.restarts > 0 for each in sources} == {True, False}


def test_a_grid_gives_tune_the_whole_list(tmp_path: Path) -> None:
    """Ray starts as many trials as fit, also on machines that join later."""
    source, _ = grid_source(tmp_path)

    parts = source.parts(slots=1, collect=do_nothing, note=do_nothing, say=ignore)

    assert parts.samples == source.expected == 4
    assert parts.at_once is None
    assert parts.stopper is None
    assert parts.param_space is not None
    assert parts.param_space.keys() == source.remaining[0].to_config().keys()


def test_ended_trials_are_not_run_again(tmp_path: Path) -> None:
    """They still count as expected, and the summary mentions them."""
    source, _ = grid_source(tmp_path, ended=3)

    assert len(source.remaining) == 1
    assert source.has_more
    assert source.expected == 4
    assert source.summary == "2 setups x 2 repeats = 4, 3 of them ended before"


def test_a_completed_grid_has_no_more_trials(tmp_path: Path) -> None:
    """Ray Tune need not start for it."""
    source, _ = grid_source(tmp_path, ended=2, seeds=1)

    assert not source.has_more
    assert source.summary == "2 setups x 1 repeat = 2, 2 of them ended before"


def test_a_grid_of_one_trial_is_in_the_singular() -> None:
    """The text has no plural for one setup or one repeat."""
    assert grid_text(1, 1) == "1 setup x 1 repeat = 1"


def test_only_lost_trials_are_run_again(tmp_path: Path) -> None:
    """They run as the attempts that their plans name."""
    source, _ = grid_source(tmp_path)
    lost = replace(source.remaining[1], attempt=2)

    source.run_again([lost])

    assert [(plan.trial_id, plan.attempt) for plan in source.remaining] == [(lost.trial_id, 2)]


def test_setups_are_those_of_the_manifest(tmp_path: Path) -> None:
    """They keep the manifest's order."""
    source, _ = grid_source(tmp_path)

    setups: tuple[SetupFacts, ...] = tuple(source.setups)

    assert setups == SETUPS
