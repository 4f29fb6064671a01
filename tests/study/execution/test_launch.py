"""Launch of a study until Ray starts: the order of checks, and what a refused study leaves behind."""

import io
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
import ray
from rich.console import Console

from study.errors import OptionError, ScenarioError, StorageError, StudyError
from study.execution.launch import least_batch, run_study
from study.execution.trial_source import TuneParts
from study.options import StudyOptions
from study.record.files import MANIFEST_FILE
from study.record.manifest import FurtherTrial, Manifest, SearchAnswer, SetupFacts
from study.regime import DESIGN
from study.scenario import Scenario
from study.store.folder import StudyFolder
from study.store.lock import Lock
from study.store.recorder import Recorder
from study.store.setups import TrialPlan
from tests.study.record.test_manifest import MANIFEST

ROOT = Path(__file__).parents[3]
TINY = "tests.end_to_end.scenarios:Tiny"


class Refusing:
    """A trial source that refuses the study, and records what it was given."""

    restarts = 0
    setups: Sequence[SetupFacts] = ()
    further: Sequence[FurtherTrial] = ()
    answer: SearchAnswer | None = None
    remaining: Sequence[TrialPlan] = ()
    expected = 0
    has_more = False
    pauses = False
    keeps_stopped = decides_by_epoch = may_grow = False
    notes: Sequence[str] = ()
    summary = ""

    def __init__(self) -> None:
        """Begin without a record."""
        self.manifest: Manifest | None = None
        self.scenario: Scenario | None = None

    def prepared(self, scenario: Scenario) -> Scenario:
        """Record the scenario."""
        self.scenario = scenario
        return scenario

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),
    ) -> None:
        """Fail, as it is never called."""
        raise NotImplementedError

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:  # noqa: ARG002 - as launch calls it
        """Record the manifest, and refuse it."""
        self.manifest = manifest
        message = "not this one"
        raise OptionError(message)

    def parts(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],
    ) -> TuneParts:
        """Fail, as it is never called."""
        raise NotImplementedError

    def run_again(self, lost: Sequence[TrialPlan]) -> None:
        """Do nothing, as it is never called."""


def launch_study(tmp_path: Path, source: Refusing, **options: object) -> None:
    """Launch study `a` in `tmp_path` with trials from `source`."""
    fields = {"scenario": TINY, "results_dir": str(tmp_path), "name": "a", **options}
    run_study(
        DESIGN,
        StudyOptions(**fields),  # type: ignore[arg-type]
        command=("python", "-m", "study.regime"),
        console=Console(file=io.StringIO()),
        source=source,
    )


def test_launch_does_not_import_the_search() -> None:
    """No file in `study/execution` or its rooms imports it: searches come through `TrialSource` too."""
    files = list((ROOT / "study" / "execution").rglob("*.py"))
    search = r"^\s*((from|import) study\.search\b|from study import .*\bsearch\b)"

    assert {"execution", "live", "reporting", "team"} <= {path.parent.name for path in files}
    assert not [path for path in files if re.search(search, path.read_text(), re.MULTILINE)]


def test_a_source_is_checked_before_ray_and_before_the_manifest_is_written(tmp_path: Path) -> None:
    """A study that it refuses has started no Ray and left no manifest."""
    source = Refusing()

    with pytest.raises(OptionError, match="not this one"):
        launch_study(tmp_path, source)

    assert not ray.is_initialized()
    assert not (tmp_path / "a" / MANIFEST_FILE).exists()
    assert source.manifest is not None
    assert len(source.manifest.setups) == 16
    assert source.scenario is not None
    assert source.scenario.name == "tiny"


def test_a_resumed_study_keeps_the_time_of_its_start(tmp_path: Path) -> None:
    """Its manifest has the time of the first command."""
    first = Refusing()
    with pytest.raises(OptionError):
        launch_study(tmp_path, first)
    assert first.manifest is not None
    begun = Manifest.from_json(first.manifest.to_json().replace(first.manifest.started_at, "then"))
    StudyFolder(str(tmp_path), "a").write_text(MANIFEST_FILE, begun.to_json())
    second = Refusing()

    with pytest.raises(OptionError):
        launch_study(tmp_path, second, resume=True)

    assert second.manifest is not None
    assert second.manifest.started_at == "then"


def test_another_study_is_not_resumed(tmp_path: Path) -> None:
    """The study is refused before its source is asked."""
    StudyFolder(str(tmp_path), "a").write_text(MANIFEST_FILE, MANIFEST.to_json())
    source = Refusing()

    with pytest.raises(OptionError, match="would mix two studies"):
        launch_study(tmp_path, source, resume=True)

    assert source.manifest is None


def test_checkpoints_of_a_deleted_study_are_removed(tmp_path: Path) -> None:
    """A trial of the new study must not resume from them."""
    checkpoint = tmp_path / "a" / "checkpoints" / "setup01-seed0-attempt1.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()

    with pytest.raises(OptionError):
        launch_study(tmp_path, Refusing())

    assert not checkpoint.exists()


def test_a_scenario_that_cannot_be_loaded_leaves_no_folder(tmp_path: Path) -> None:
    """The scenario is looked up before anything is created."""
    with pytest.raises(StudyError) as refused:
        launch_study(tmp_path, Refusing(), scenario="tests.nowhere:Nothing")

    assert isinstance(refused.value, ScenarioError | OptionError)
    assert list(tmp_path.iterdir()) == []


def test_errors_found_without_data_are_reported_together(tmp_path: Path) -> None:
    """Each is a paragraph; no data are read, and nothing is left behind."""
    with pytest.raises(StudyError) as refused:
        launch_study(tmp_path, Refusing(), target=90.0, tracker=(str(tmp_path / "no.csv"),))

    tracker, target = str(refused.value).split("\n\n")
    assert tracker.startswith("--tracker ")
    assert target.startswith("--target is 90")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "scenario", ["tests.study.training.test_dry_run:Renamed", "tests.study.unlucky:Raising"]
)
def test_a_scenario_that_cannot_be_trained_leaves_nothing(tmp_path: Path, scenario: str) -> None:
    """After a fault on the first batch or in `load`, the results folder is as it was."""
    with pytest.raises(ScenarioError):
        launch_study(tmp_path, Refusing(), scenario=scenario)

    assert list(tmp_path.iterdir()) == []


def test_a_study_that_its_source_refuses_leaves_nothing(tmp_path: Path) -> None:
    """A folder that was created for the study is removed; one that existed stays."""
    with pytest.raises(OptionError):
        launch_study(tmp_path / "new", Refusing())
    (tmp_path / "old" / "a").mkdir(parents=True)
    with pytest.raises(OptionError):
        launch_study(tmp_path / "old", Refusing())

    assert list((tmp_path / "new").iterdir()) == []
    assert list((tmp_path / "old").iterdir()) == [tmp_path / "old" / "a"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_study_that_another_command_runs_is_refused_at_once(tmp_path: Path, resume: bool) -> None:  # noqa: FBT001
    """No second command with the same name, or with `--resume`, writes to the tables of the first."""
    folder = StudyFolder(str(tmp_path), "a")
    folder.prepare()
    source = Refusing()

    with (
        Lock(folder).held(lambda _: None),
        pytest.raises(StorageError, match="being written by another command"),
    ):
        launch_study(tmp_path, source, resume=resume)

    assert source.scenario is not None
    assert source.manifest is None


@pytest.mark.parametrize(
    ("batch_sizes", "changes", "least"),
    [((64, 4), {}, 4), ((64, 4), {"accumulate": 4}, 1), ((2, 8), {"workers_per_trial": 2}, 1)],
)
def test_the_smallest_batch_is_the_part_that_one_network_sees(
    batch_sizes: tuple[int, ...], changes: dict[str, int], least: int
) -> None:
    """A batch is split by `--accumulate` and among workers."""
    options = StudyOptions(batch_sizes=batch_sizes, **changes)  # type: ignore[arg-type]

    assert least_batch((), options) == least
