"""A study that goes on where repeats tell most, as a source of Ray Tune's trials."""

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
    """Return where the trials of a study command come from.

    Args:
        options: Of the command, cut down to a smoke run where one was asked for.
    """
    if isinstance(options, ComparisonOptions) and (
        options.goes_on or options.energy_budget_wh is not None
    ):
        return RepeatsSource(options)
    return GridSource(options)


@final
class RepeatsSource:
    """A grid, and after it repeats of single setups, within a budget; see `study.execution.trial_source.TrialSource`.

    Attributes:
        restarts: How many times trials whose process was lost are run again in one command.
        repeats: What is trained; None until the study has begun.
        pauses: Whether a budget may stop trials.
        hears_epochs: The same.
        answer: None: its report weighs the whole grid.
    """

    restarts = RESTARTS
    answer: SearchAnswer | None = None

    def __init__(self, options: ComparisonOptions) -> None:
        """Go on as `options` says."""
        self.repeats: FurtherRepeats | None = None
        self.pauses = self.hears_epochs = options.energy_budget_wh is not None
        self.setups: Sequence[SetupFacts] = ()
        self._options = options
        self._runs = 0
        self._summary = ""

    def prepared(self, scenario: Scenario) -> Scenario:
        """Return it with what `--axis` chooses of what it offers."""
        return offering(scenario, self._options)

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:
        """Refuse nothing: all that is repeated is its own."""

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),  # noqa: ARG002 - a search compares them
    ) -> None:
        """Plan what has not ended, and what earlier commands have begun; see `TrialSource`."""
        begun = folder.read_manifest().further if folder.exists() else ()
        self.setups = manifest.setups
        self.repeats = FurtherRepeats(self._options, manifest, recorder, begun=begun)
        known = len(manifest.setups) * len(manifest.seeds) + len(begun)
        self._summary = _summary(
            self._options, len(self.setups), ended=known - len(self.repeats.remaining)
        )

    @property
    def further(self) -> Sequence[FurtherTrial]:
        """Those that were begun after the first repeats; these grow."""
        return tuple(self._begun.further)

    @property
    def remaining(self) -> Sequence[TrialPlan]:
        """The trials that are known and have not ended."""
        return self._begun.remaining

    @property
    def expected(self) -> int:
        """The trials that are known, and those that were asked for."""
        return self._begun.expected

    @property
    def has_more(self) -> bool:
        """Return whether a trial has not ended, or another may follow."""
        return bool(self._begun.remaining) or self._begun.ending is None

    @property
    def may_grow(self) -> bool:
        """Return whether it goes on until it is sure, with nobody knows how many repeats."""
        return self._options.sure is not None and self._begun.ending is None

    @property
    def keeps_stopped(self) -> bool:
        """Return whether a larger budget would go on with what this one has stopped."""
        return self._begun.is_cut_short

    @property
    def notes(self) -> Sequence[str]:
        """The bill, where the budget has ended the study."""
        return (self._begun.spending.sentence,) if self._begun.is_cut_short else ()

    @property
    def summary(self) -> str:
        """Setups times repeats, and what may follow."""
        return self._summary

    def parts(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],
    ) -> TuneParts:
        """Proposals: the first repeats at once, the others as results become known."""
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
        """Plan them as new attempts."""
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
        budget = f", as far as {options.energy_budget_wh:g} Wh last for all"
    if not options.goes_on:
        return f"{first}{budget}{gone}"
    most = options.most_further(setups)
    then = f"then {most} more repeats of the most informative setups"
    if options.sure is not None:
        then = (
            "then more repeats of the most informative setups, until the answer is right with a probability of "
            f"{100 * options.sure:g} % (at most {most} more)"
        )
    return f"{first}, {then}{budget}{gone}"
