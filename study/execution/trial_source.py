"""Sources of a study's trials, and rules that stop them: a grid, or a search that proposes trials.

`study.execution.launch` learns about the kind of study through this interface alone.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, final

from ray import tune
from ray.tune.search import SearchAlgorithm, Searcher
from ray.tune.search.basic_variant import BasicVariantGenerator

from study.options import StudyOptions
from study.record.manifest import FurtherTrial, Manifest, SearchAnswer, SetupFacts
from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from study.scenario import Scenario
from study.store.folder import StudyFolder
from study.store.grid import offering
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, trial_plans

RESTARTS = 2
"""Times that one command reruns a trial whose process or node was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneParts:
    """Arguments of `tune.Tuner` that a trial source provides.

    Attributes:
        searcher: Gives Tune the trials.
        samples: Number of trials that Tune may ask for; -1 for as many as the searcher has.
        param_space: Keys of a trial's configuration; None if the searcher provides them.
        at_once: Maximum number of concurrent trials; None for as many as fit, including on machines
            that join later.
        stopper: Stops trials early; None for none.
    """

    searcher: Searcher | SearchAlgorithm
    samples: int
    param_space: dict[str, Any] | None = None
    at_once: int | None = None
    stopper: tune.Stopper | None = None


class TrialSource(Protocol):
    """Source of a study's trials; `prepared`, `check` and `begin` are called first, in this order.

    Attributes:
        restarts: Times that this command reruns trials whose process was lost. With 0, and without
            `pauses`, trials write no checkpoints either, because nothing would continue from them.
        pauses: Whether a trial that was stopped may be continued later.
        decides_by_epoch: Whether the source makes decisions after single epochs, so that each epoch must
            be reported at once.
    """

    restarts: int
    pauses: bool
    decides_by_epoch: bool

    @property
    def may_grow(self) -> bool:
        """Return whether more trials may follow than `expected` counts."""

    @property
    def keeps_stopped(self) -> bool:
        """Return whether a later command may continue trials that were stopped."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for readers of the results about how the study ended."""

    def prepared(self, scenario: Scenario) -> Scenario:
        """Return the scenario as the trials are to use it."""

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:
        """Refuse, before Ray starts, what cannot run on any machine.

        Args:
            folder: Folder of the study.
            manifest: The manifest as far as it is known then.
        """

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),
    ) -> None:
        """Plan the trials, taking into account those that ended in earlier commands.

        Args:
            folder: Folder of the study.
            manifest: The manifest that is about to be written.
            recorder: Holds the rows of earlier commands.
            devices: Names of the devices that trials train on.
        """

    @property
    def setups(self) -> Sequence[SetupFacts]:
        """Setups known so far; a search over ranges adds to them."""

    @property
    def further(self) -> Sequence[FurtherTrial]:
        """Trials known so far beyond one for each setup and seed."""

    @property
    def answer(self) -> SearchAnswer | None:
        """Setup that a search recommends at present; None if the source recommends nothing."""

    @property
    def remaining(self) -> Sequence[TrialPlan]:
        """Known trials that have not ended."""

    @property
    def expected(self) -> int:
        """Number of trials that must have ended for the study to be finished."""

    @property
    def has_more(self) -> bool:
        """Return whether there may be more trials to run."""

    @property
    def summary(self) -> str:
        """Short description of the trials to be run."""

    def parts(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],
    ) -> TuneParts:
        """Return the arguments for one run of Ray Tune.

        Args:
            slots: Number of trials that fit on the machines at the same time.
            collect: Passes the trackers' bookings to the recorder.
            note: Writes setups and further trials to the manifest; called after each new one.
            say: Prints a message to the user while trials run.
        """

    def run_again(self, lost: Sequence[TrialPlan]) -> None:
        """Take back trials whose processes were lost; only these remain to be run."""


@final
class GridSource:
    """One trial for each setup and seed, all known from the beginning."""

    restarts = RESTARTS
    pauses = keeps_stopped = decides_by_epoch = may_grow = False
    further: Sequence[FurtherTrial] = ()
    answer: SearchAnswer | None = None
    notes: Sequence[str] = ()

    def __init__(self, options: StudyOptions) -> None:
        """Plan trials by `options`; the setups come from the manifest, in `begin`."""
        self.setups: Sequence[SetupFacts] = ()
        self.remaining: list[TrialPlan] = []
        self._options = options
        self._recorder: Recorder | None = None
        self._summary = ""

    def prepared(self, scenario: Scenario) -> Scenario:
        """Return the scenario with the values that `--axis` gives to its own axes."""
        return offering(scenario, self._options)

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:
        """Refuse nothing: a grid uses no results of other studies."""

    def begin(
        self,
        folder: StudyFolder,  # noqa: ARG002 - a search needs it
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),  # noqa: ARG002 - a search compares them
    ) -> None:
        """Plan the trials that have not ended; see `TrialSource.begin`."""
        self.setups = manifest.setups
        plans = trial_plans(manifest.setups, manifest.seeds, shuffle_seed=self._options.seed)
        self._recorder = recorder
        self.remaining = recorder.expect(plans, retry_failed=self._options.retry_failed)
        self._summary = _summary(
            len(manifest.setups), len(manifest.seeds), ended=len(plans) - len(self.remaining)
        )

    @property
    def expected(self) -> int:
        """Number of setups times number of seeds."""
        return len(self.setups) * len(self._options.seeds)

    @property
    def has_more(self) -> bool:
        """Return whether any trial has not ended."""
        return bool(self.remaining)

    @property
    def summary(self) -> str:
        """Setups times repeats, and how many of the trials ended in earlier commands."""
        return self._summary

    def parts(
        self,
        *,
        slots: int,  # noqa: ARG002 - machines may join, and Ray starts what fits
        collect: Callable[[], None],  # noqa: ARG002 - a grid decides nothing by bookings
        note: Callable[[], None],  # noqa: ARG002 - a grid proposes no new setups
        say: Callable[[str], None],  # noqa: ARG002 - a grid has nothing to announce
    ) -> TuneParts:
        """Return the whole list of trials as Tune's arguments."""
        configs = [plan.to_config() for plan in self.remaining]
        return TuneParts(
            searcher=BasicVariantGenerator(points_to_evaluate=configs),
            samples=len(configs),
            # All trials are in `points_to_evaluate`; the space only tells Tune which keys they have.
            param_space={
                key: tune.choice(list(dict.fromkeys(config[key] for config in configs)))
                for key in configs[0]
            },
        )

    def run_again(self, lost: Sequence[TrialPlan]) -> None:
        """Plan lost trials as new attempts."""
        self.remaining = [] if self._recorder is None else self._recorder.expect(lost)


class TrialChooser(Protocol):
    """Chooses the next trial while others run."""

    @property
    def is_waiting(self) -> bool:
        """Return whether what comes next depends on trials that still run."""

    def propose(self) -> TrialPlan | None:
        """Return the next trial; None if there is none, or none until another ends (`is_waiting`)."""

    def end(self, trial_id: str, result: Mapping[str, Any], *, lost: bool) -> None:
        """Take note that a trial has ended.

        Args:
            trial_id: Identifier from the trial's plan.
            result: The last result that it reported; empty if it reported none.
            lost: Whether its process was lost before the trial had ended.
        """


class StopRule(Protocol):
    """Decides after each epoch whether a trial continues."""

    def is_before_first_epoch(self, trial_id: str) -> bool:
        """Return whether a trial has not reported an epoch yet."""

    def book_overhead(self) -> None:
        """Take into account the energy that trackers have booked outside epochs, such as set-up."""

    def epoch(self, record: EpochRecord) -> StopReason | None:
        """Take an epoch's row; return the reason to stop its trial after it, or None to continue."""


@final
class TrialStopper(tune.Stopper):
    """Tune stopper that follows a `StopRule` and writes its reason into the trial's last row."""

    def __init__(self, rule: StopRule, collect: Callable[[], None]) -> None:
        """Stop trials by `rule`; `collect` brings in bookings before it judges a trial's first epoch."""
        self._rule = rule
        self._collect = collect

    def __getstate__(self) -> dict[str, Any]:
        """Return an empty state, as in `ProposalSearcher`."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Tune's own
        """Return whether the trial ends with this result."""
        if "stage" not in result:
            return False  # a trial that left a closed machine without having begun
        record = EpochRecord.from_result(result)
        if self._rule.is_before_first_epoch(record.trial_id):
            # The set-up's energy is booked by now; it has to count before the rule decides.
            self._collect()
            self._rule.book_overhead()
        reason = self._rule.epoch(record)
        if reason is None:
            return False
        result["stop_reason"] = reason.value
        return True

    def stop_all(self) -> bool:
        """Return False always: trials are stopped one by one."""
        return False


@final
class ProposalSearcher(Searcher):
    """Tune searcher that suggests the trials of a `TrialChooser`, one after another."""

    def __init__(self, proposer: TrialChooser) -> None:
        """Suggest the trials of `proposer`, and tell it when they end."""
        super().__init__(metric=None, mode=None)
        self._proposer = proposer
        self._ours: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return an empty state: Tune pickles its searchers, but a study is resumed from its rows."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the next trial's configuration, None while it depends on running trials, or `FINISHED`."""
        plan = self._proposer.propose()
        if plan is None:
            if self._proposer.is_waiting:
                return None
            finished: Any = Searcher.FINISHED
            return cast("dict[str, Any]", finished)
        self._ours[trial_id] = plan.trial_id
        return plan.to_config()

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,
        error: bool = False,  # noqa: FBT001, FBT002 - as Tune calls it
    ) -> None:
        """Tell the proposer that a trial has ended, or that its process was lost."""
        self._proposer.end(self._ours[trial_id], result or {}, lost=error)

    def save(self, checkpoint_path: str) -> None:
        """Do nothing; see `__getstate__`."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing; see `__getstate__`."""


def _summary(setups: int, repeats: int, *, ended: int) -> str:
    return f"{grid_text(setups, repeats)}{f', {ended} of them ended before' if ended else ''}"


def grid_text(setups: int, repeats: int) -> str:
    """Return the number of trials of a grid in words: `2 setups x 1 repeat = 2`."""
    counts = ((setups, "setup"), (repeats, "repeat"))
    times = " x ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    return f"{times} = {setups * repeats}"
