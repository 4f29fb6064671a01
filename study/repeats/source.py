"""Trial source for a grid study with adaptive further repeats, an energy budget, or both."""

from collections.abc import Callable, Collection, Sequence
from typing import final

from study.execution.trial_source import (
    RESTARTS,
    GridSource,
    ProposalSearcher,
    TrialSource,
    TrialStopper,
    TuneParts,
    grid_text,
)
from study.options import StudyOptions
from study.record.manifest import FurtherTrial, Manifest, SearchAnswer, SetupFacts
from study.repeats.further import FurtherRepeats
from study.repeats.options import ComparisonOptions
from study.scenario import Scenario
from study.store.folder import StudyFolder
from study.store.grid import offering
from study.store.recorder import Recorder
from study.store.setups import TrialPlan


def source_of(options: StudyOptions) -> TrialSource:
    """Return the source of trials for a command that compares setups.

    Args:
        options: Options of the command, already reduced for a smoke run if one was asked for.
    """
    if isinstance(options, ComparisonOptions) and (
        options.adds_repeats or options.energy_budget_wh is not None
    ):
        return RepeatsSource(options)
    return GridSource(options)


@final
class RepeatsSource:
    """A grid, followed by repeats of single setups, within an energy budget if there is one.

    Implements `study.execution.trial_source.TrialSource`.

    Attributes:
        restarts: Times that one command reruns trials whose process was lost.
        repeats: Chooses what is trained; None until `begin` is called.
        pauses: Whether an energy budget may stop trials, to be continued later.
        decides_by_epoch: Whether decisions are made after single epochs, as for an energy budget.
        answer: Always None: the report derives the recommendation from all results.
    """

    restarts = RESTARTS
    answer: SearchAnswer | None = None

    def __init__(self, options: ComparisonOptions) -> None:
        """Plan repeats and budget by `options`."""
        self.repeats: FurtherRepeats | None = None
        self.pauses = self.decides_by_epoch = options.energy_budget_wh is not None
        self.setups: Sequence[SetupFacts] = ()
        self._options = options
        self._runs = 0
        self._summary = ""

    def prepared(self, scenario: Scenario) -> Scenario:
        """Return the scenario with the values that `--axis` gives to its own axes."""
        return offering(scenario, self._options)

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:
        """Refuse nothing: further repeats use no results of other studies."""

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),  # noqa: ARG002 - a search compares them
    ) -> None:
        """Plan the trials that have not ended, including those that earlier commands added; see `TrialSource`."""
        begun = folder.read_manifest().further if folder.exists() else ()
        self.setups = manifest.setups
        self.repeats = FurtherRepeats(self._options, manifest, recorder, begun=begun)
        known = len(manifest.setups) * len(manifest.seeds) + len(begun)
        self._summary = _summary(
            self._options, len(self.setups), ended=known - len(self.repeats.remaining)
        )

    @property
    def further(self) -> Sequence[FurtherTrial]:
        """Trials that were added after the first repeats, so far."""
        return tuple(self._begun.further)

    @property
    def remaining(self) -> Sequence[TrialPlan]:
        """Known trials that have not ended."""
        return self._begun.remaining

    @property
    def expected(self) -> int:
        """Number of trials that are known or still to be added, as far as that is known."""
        return self._begun.expected

    @property
    def has_more(self) -> bool:
        """Return whether any trial has not ended, or another may be added."""
        return bool(self._begun.remaining) or self._begun.end_reason is None

    @property
    def may_grow(self) -> bool:
        """Return whether repeats are added until `--sure` is reached, so that their number is not known."""
        return self._options.sure is not None and self._begun.end_reason is None

    @property
    def keeps_stopped(self) -> bool:
        """Return whether a later command with a larger budget would continue trials that were stopped."""
        return self._begun.is_cut_short

    @property
    def notes(self) -> Sequence[str]:
        """The energy used against the budget, if the budget has ended the study; otherwise empty."""
        return (self._begun.spending.sentence,) if self._begun.is_cut_short else ()

    @property
    def summary(self) -> str:
        """Setups times repeats, further repeats that may follow, the budget, and how many trials ended before."""
        return self._summary

    def parts(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],
    ) -> TuneParts:
        """Return a searcher that gives the first repeats at once, and others as results become known."""
        self._runs += 1
        self._begun.begin_run(
            slots=slots,
            collect=collect,
            note=note,
            say=say,
            restarts=self.restarts + 1 - self._runs,
        )
        return TuneParts(
            searcher=ProposalSearcher(self._begun),
            samples=-1,
            stopper=TrialStopper(self._begun.spending, collect) if self.pauses else None,
        )

    def run_again(self, lost: Sequence[TrialPlan]) -> None:
        """Plan lost trials as new attempts."""
        self._begun.run_again(lost)

    @property
    def _begun(self) -> FurtherRepeats:
        if self.repeats is None:
            message = "the study has not begun"
            raise RuntimeError(message)
        return self.repeats


def _summary(options: ComparisonOptions, setups: int, *, ended: int) -> str:
    first = grid_text(setups, options.repeats)
    gone = f"; {ended} ended before" if ended else ""
    budget = ""
    if options.energy_budget_wh is not None:
        budget = f", within an energy budget of {options.energy_budget_wh:g} Wh"
    if not options.adds_repeats:
        return f"{first}{budget}{gone}"
    most = options.most_further(setups)
    then = f"then {most} more repeats of the most informative setups"
    if options.sure is not None:
        then = (
            "then more repeats of the most informative setups, until the answer is right with a probability of "
            f"{100 * options.sure:g} % (at most {most} more)"
        )
    return f"{first}, {then}{budget}{gone}"
