"""Source of a study's trials, and what ends them: a grid, or a search that proposes them.

`study.execution.launch` asks this and nothing else about the kind of study that it runs.
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
"""How many times, in one command, a trial is run again whose process or node was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneParts:
    """Ray Tune's part of a trial source.

    Attributes:
        searcher: Gives the trials.
        samples: How many it may ask for; -1 for as many as the searcher has.
        param_space: Names the keys of a trial's configuration; None where the searcher does.
        at_once: Most trials that run at the same time; None for as many as fit, on machines that
            join later too.
        stopper: Ends trials before they end themselves; None for none.
    """

    searcher: Searcher | SearchAlgorithm
    samples: int
    param_space: dict[str, Any] | None = None
    at_once: int | None = None
    stopper: tune.Stopper | None = None


class TrialSource(Protocol):
    """Source of a study's trials; `prepared`, `check` and `begin` are called in this order before all else.

    Attributes:
        restarts: How many times trials whose process was lost are run again in this command. With
            0 and without `pauses` they keep no checkpoints either, because nothing goes on from
            them.
        pauses: Whether trials that were stopped may be gone on with.
        hears_epochs: Whether it decides by single epochs, each of which must reach it then.
    """

    restarts: int
    pauses: bool
    hears_epochs: bool

    @property
    def may_grow(self) -> bool:
        """Return whether more trials may follow than `expected` says."""

    @property
    def keeps_stopped(self) -> bool:
        """Return whether a later command may go on with what was stopped."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences on how it has ended, for those who read the results."""

    def prepared(self, scenario: Scenario) -> Scenario:
        """Return the scenario as the trials are to see it."""

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:
        """Refuse before there are machines what cannot begin on any.

        Args:
            folder: Of the study.
            manifest: As far as it is known then.
        """

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),
    ) -> None:
        """Take into account what ended in earlier commands.

        Args:
            folder: Of the study.
            manifest: As it will be written.
            recorder: Has the trials of earlier commands.
            devices: Names of the devices that trials train on.
        """

    @property
    def setups(self) -> Sequence[SetupFacts]:
        """The setups that are known; of a search over ranges this grows."""

    @property
    def further(self) -> Sequence[FurtherTrial]:
        """The trials beyond every setup with every seed, as far as they are known."""

    @property
    def answer(self) -> SearchAnswer | None:
        """The setup that a search would recommend now; None where nothing is recommended by it."""

    @property
    def remaining(self) -> Sequence[TrialPlan]:
        """The trials that are known and have not ended."""

    @property
    def expected(self) -> int:
        """Number of trials that must have ended for the study to be finished."""

    @property
    def has_more(self) -> bool:
        """Return whether there may be trials to run."""

    @property
    def summary(self) -> str:
        """Describe in a few words the trials to be run."""

    def parts(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],
    ) -> TuneParts:
        """Return Ray Tune's part, for one run of it.

        Args:
            slots: Trials that fit on the machines at the same time.
            collect: Brings what trackers have booked to the recorder.
            note: Writes down setups and further trials; called after each that is new.
            say: Tells the user, while trials run.
        """

    def run_again(self, lost: Sequence[TrialPlan]) -> None:
        """Take trials back whose processes were lost; they are what is left to run."""


@final
class GridSource:
    """Every setup with every seed, known from the beginning."""

    restarts = RESTARTS
    pauses = keeps_stopped = hears_epochs = may_grow = False
    further: Sequence[FurtherTrial] = ()
    answer: SearchAnswer | None = None
    notes: Sequence[str] = ()

    def __init__(self, options: StudyOptions) -> None:
        """Run the setups of the manifest as `options` says."""
        self.setups: Sequence[SetupFacts] = ()
        self.remaining: list[TrialPlan] = []
        self._options = options
        self._recorder: Recorder | None = None
        self._summary = ""

    def prepared(self, scenario: Scenario) -> Scenario:
        """Return it with what `--axis` chooses of what it offers."""
        return offering(scenario, self._options)

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:
        """Refuse nothing: a grid takes nothing from elsewhere."""

    def begin(
        self,
        folder: StudyFolder,  # noqa: ARG002 - a search needs it
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),  # noqa: ARG002 - a search compares them
    ) -> None:
        """Plan what has not ended; see `TrialSource`."""
        self.setups = manifest.setups
        plans = trial_plans(manifest.setups, manifest.seeds, shuffle_seed=self._options.seed)
        self._recorder = recorder
        self.remaining = recorder.expect(plans, retry_failed=self._options.retry_failed)
        self._summary = _summary(
            len(manifest.setups), len(manifest.seeds), ended=len(plans) - len(self.remaining)
        )

    @property
    def expected(self) -> int:
        """Setups times seeds."""
        return len(self.setups) * len(self._options.seeds)

    @property
    def has_more(self) -> bool:
        """Return whether a trial has not ended."""
        return bool(self.remaining)

    @property
    def summary(self) -> str:
        """Setups times repeats, and how many trials ended before."""
        return self._summary

    def parts(
        self,
        *,
        slots: int,  # noqa: ARG002 - machines may join, and Ray starts what fits
        collect: Callable[[], None],  # noqa: ARG002 - nothing is decided by it
        note: Callable[[], None],  # noqa: ARG002 - no setup is new
        say: Callable[[str], None],  # noqa: ARG002 - all was said before
    ) -> TuneParts:
        """The whole list of trials."""
        configs = [plan.to_config() for plan in self.remaining]
        return TuneParts(
            searcher=BasicVariantGenerator(points_to_evaluate=configs),
            samples=len(configs),
            # The points are the whole list of trials; the space only names their keys.
            param_space={
                key: tune.choice(list(dict.fromkeys(config[key] for config in configs)))
                for key in configs[0]
            },
        )

    def run_again(self, lost: Sequence[TrialPlan]) -> None:
        """Plan them as new attempts."""
        self.remaining = [] if self._recorder is None else self._recorder.expect(lost)


class TrialChooser(Protocol):
    """A chooser of the next trial while others run."""

    @property
    def is_waiting(self) -> bool:
        """Return whether what comes next depends on trials that still run."""

    def propose(self) -> TrialPlan | None:
        """The next trial; None when there is no more, or not before another ends (`is_waiting`)."""

    def end(self, trial_id: str, result: Mapping[str, Any], *, lost: bool) -> None:
        """A trial has ended.

        Args:
            trial_id: Of its plan.
            result: What it reported last; empty if it did not.
            lost: Whether its process ended before it did.
        """


class StopRule(Protocol):
    """Rule that decides after each epoch whether a trial goes on."""

    def is_before_first_epoch(self, trial_id: str) -> bool:
        """Return whether a trial has not reported an epoch yet."""

    def book_overhead(self) -> None:
        """Take into account what trackers have booked beside epochs."""

    def epoch(self, record: EpochRecord) -> StopReason | None:
        """Take an epoch; why its trial is to end with it, or None."""


@final
class TrialStopper(tune.Stopper):
    """Ends trials as a rule decides; the row of such a trial's last epoch says so."""

    def __init__(self, rule: StopRule, collect: Callable[[], None]) -> None:
        """Ask `rule`, which knows what `collect` brings before the first epoch of a trial."""
        self._rule = rule
        self._collect = collect

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, like `ProposalSearcher`."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Tune's own
        """Return whether the trial ends with this result."""
        if "stage" not in result:
            return False  # it was sent away by a closed machine, without having begun
        record = EpochRecord.from_result(result)
        if self._rule.is_before_first_epoch(record.trial_id):
            # Its set-up is booked by now, and counts before it is judged whether it goes on.
            self._collect()
            self._rule.book_overhead()
        reason = self._rule.epoch(record)
        if reason is None:
            return False
        result["stop_reason"] = reason.value
        return True

    def stop_all(self) -> bool:
        """Never: those that may not go on are stopped one by one."""
        return False


@final
class ProposalSearcher(Searcher):
    """Gives Tune one trial after another, as a proposer says."""

    def __init__(self, proposer: TrialChooser) -> None:
        """Ask `proposer`, and tell it what has ended."""
        super().__init__(metric=None, mode=None)
        self._proposer = proposer
        self._ours: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune stores its searchers, and a study is resumed from its rows instead."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the next trial, None where it depends on those that run, or Tune's `FINISHED`."""
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
        """A trial has ended, or its process was lost."""
        self._proposer.end(self._ours[trial_id], result or {}, lost=error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""


def _summary(setups: int, repeats: int, *, ended: int) -> str:
    return f"{grid_text(setups, repeats)}{f', {ended} of them ended before' if ended else ''}"


def grid_text(setups: int, repeats: int) -> str:
    """The number of a grid's trials: `2 setups x 1 repeat = 2`."""
    counts = ((setups, "setup"), (repeats, "repeat"))
    times = " x ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    return f"{times} = {setups * repeats}"
