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


def begun(tmp_path: Path, *, ended: int = 0, seeds: int = 2) -> tuple[GridSource, Recorder]:
    """A grid of two setups, of whose trials the first ones ended in an earlier command."""
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


def nothing() -> None:
    """Stands for the books of trackers and the manifest, which a grid does not touch."""


def hear(_: str) -> None:
    """Stands for a user to whom nothing is said."""


def test_all_kinds_of_source_have_what_launch_asks_for() -> None:
    """The grid, the grid that goes on, and the search are the members of one seam."""
    sources: tuple[type[TrialSource], ...] = (GridSource, RepeatsSource, RaySearchAdapter)

    assert {each.restarts > 0 for each in sources} == {True, False}


def test_a_grid_gives_tune_the_whole_list(tmp_path: Path) -> None:
    """Ray starts what fits, on machines that join later too."""
    source, _ = begun(tmp_path)

    parts = source.parts(slots=1, collect=nothing, note=nothing, say=hear)

    assert parts.samples == source.expected == 4
    assert parts.at_once is None
    assert parts.stopper is None
    assert parts.param_space is not None
    assert parts.param_space.keys() == source.remaining[0].to_config().keys()


def test_what_has_ended_is_not_run_again(tmp_path: Path) -> None:
    """It is counted among the expected, and said."""
    source, _ = begun(tmp_path, ended=3)

    assert len(source.remaining) == 1
    assert source.has_more
    assert source.expected == 4
    assert source.summary == "2 setups x 2 repeats = 4, 3 of them ended before"


def test_a_grid_that_has_ended_has_no_more(tmp_path: Path) -> None:
    """Ray Tune is then not started."""
    source, _ = begun(tmp_path, ended=2, seeds=1)

    assert not source.has_more
    assert source.summary == "2 setups x 1 repeat = 2, 2 of them ended before"


def test_a_grid_of_one_is_one() -> None:
    """As in the tables of its report."""
    assert grid_text(1, 1) == "1 setup x 1 repeat = 1"


def test_lost_trials_are_all_that_is_left(tmp_path: Path) -> None:
    """As the attempts that their plans name."""
    source, _ = begun(tmp_path)
    lost = replace(source.remaining[1], attempt=2)

    source.run_again([lost])

    assert [(plan.trial_id, plan.attempt) for plan in source.remaining] == [(lost.trial_id, 2)]


def test_setups_are_those_of_the_manifest(tmp_path: Path) -> None:
    """In their numbering."""
    source, _ = begun(tmp_path)

    setups: tuple[SetupFacts, ...] = tuple(source.setups)

    assert setups == SETUPS
