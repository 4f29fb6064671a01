"""Adapter of a search to Ray Tune: the source of its trials, and the decisions to stop them.

Optuna is driven by `study.search.live_search` instead of Ray's `OptunaSearch`. The latter leaves a trial
whose metric is NaN running for ever, keeps its state in a pickle beside Optuna's own storage, and does
not recognise a setup that was tried before.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, final

import optuna

from study.errors import OptionError, StorageError
from study.execution.trial_source import ProposalSearcher, TrialStopper, TuneParts
from study.record.files import EARLIER_FILE
from study.record.manifest import FurtherTrial, Manifest, SearchAnswer, SetupFacts
from study.record.records import TrialRecord
from study.record.search.goal import SearchGoal
from study.record.trial_energy import used_j
from study.record.vocabulary import StopReason
from study.scenario import Scenario, Searchable
from study.search.live_search import LiveSearch
from study.search.options import SearchOptions
from study.search.pausing_search import PausingSearch, Rows
from study.search.proposals import Proposer
from study.search.space.setup_registry import SetupRegistry
from study.search.space.space import Axis, Space
from study.search.warm_start import EarlierStudies, Hint
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, trial_plan, trial_plans

STORAGE_FILE = "optuna.db"


@final
class RaySearchAdapter:
    """A search as a `study.execution.trial_source.TrialSource`, in place of a grid.

    Attributes:
        restarts: Always 0: the search has already acted on the epochs of a lost trial.
        search: The search; None until `begin` was called.
        pauses: Whether it resumes trials that it has stopped.
        known: Trials of earlier studies that it starts from.
        remaining: Trials of listed setups that had not ended when it began.
    """

    restarts = 0
    decides_by_epoch = may_grow = True
    notes: Sequence[str] = ()

    def __init__(
        self,
        options: SearchOptions,
        space: Space,
        earlier: Callable[[Manifest, Collection[str]], EarlierStudies],
    ) -> None:
        """Prepare the adapter.

        Args:
            options: Options of the search.
            space: Search space.
            earlier: Given the manifest of the search and the names of the devices that it trains on,
                returns the results of earlier studies.
        """
        self.search: LiveSearch | PausingSearch | None = None
        self.pauses = options.may_pause and space.is_listed
        self.known: tuple[TrialRecord, ...] = ()
        self.remaining: list[TrialPlan] = []
        self._options = options
        self._space = space
        self._earlier = earlier
        self._recorder: Recorder | None = None
        self._registry: SetupRegistry | None = None

    def check(self, folder: StudyFolder, manifest: Manifest) -> None:
        """Refuse, before Ray starts, what cannot run on any machine; see `TrialSource`.

        Raises:
            StorageError: The folder is not on a file system, which Optuna's SQLite storage needs.
            OptionError: A study given with --from differs.
        """
        if not folder.is_local and not self.pauses:
            message = (
                f"{folder.path} is not in a file system; Optuna's study is kept in SQLite, which "
                "needs one. Give a folder or a mount as --results-dir."
            )
            raise StorageError(message)
        if not folder.exists():
            self._earlier(manifest, ())

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        *,
        devices: Collection[str] = (),
    ) -> None:
        """Create or resume the search, and take into account what ended in earlier commands.

        Optuna's study, where the search needs one, is kept in the study's folder.

        Args:
            folder: Folder of the study.
            manifest: Manifest as it will be written.
            recorder: Recorder with the trials of earlier commands.
            devices: Names of the devices that trials train on.

        Raises:
            OptionError: A study given with --from differs, now that the devices are known, or the space
                differs from that of an earlier command.
        """
        options, space, setups = self._options, self._space, manifest.setups
        resumed = folder.exists()
        if resumed and not space.is_listed:
            setups = folder.read_manifest().setups
        begun = folder.read_manifest().further if resumed else ()
        self.remaining = recorder.expect(
            self._plans(setups, begun), retry_failed=options.retry_failed
        )
        registry = SetupRegistry(
            space, setups, fixed_values=options.fixed_values, expect=recorder.expect
        )
        self._recorder, self._registry = recorder, registry
        hints: Sequence[Hint] = ()
        if resumed:
            self.known = tuple(map(TrialRecord.from_row, folder.read_rows(EARLIER_FILE)))
            if self.pauses:  # otherwise they are in Optuna's study
                with suppress(OptionError):  # missing hints only change the order
                    hints = self._earlier(manifest, devices).hints
        else:
            hints = self._take_earlier(folder, self._earlier(manifest, devices), registry)
        if self.pauses:
            self.search = PausingSearch(
                options,
                space=space,
                registry=registry,
                rows=Rows(trials=recorder.trials, epochs_of=recorder.epochs_of, amend=recorder.add),
                known=self.known,
                hints=[each.choice for each in hints if each.values is None],
                begun=begun,
                objective=manifest.objective,
            )
        else:
            self.search = self._sequential(folder, manifest, recorder, registry, hints)
        self.search.earlier()

    def _plans(
        self, setups: Sequence[SetupFacts], begun: Sequence[FurtherTrial]
    ) -> list[TrialPlan]:
        """Return the trials that are known in advance, and the repeats of earlier commands."""
        if not self.pauses:
            return trial_plans(setups, self._options.seeds, shuffle_seed=self._options.seed)
        by_number = {each.setup: each for each in setups}
        every = setups if self._options.recurring_runs is None else ()
        first = trial_plans(every, [self._options.seed], shuffle_seed=self._options.seed)
        again = [trial_plan(by_number[each.setup], each.seed) for each in begun]
        known = {each.trial_id for each in first}
        return [*first, *(each for each in again if each.trial_id not in known)]

    def _take_earlier(
        self, folder: StudyFolder, earlier: EarlierStudies, registry: SetupRegistry
    ) -> Sequence[Hint]:
        """Store the trials of earlier studies, renumbered to this search's setups; return the hints."""
        self.known = tuple(
            replace(each, setup=registry.setup(registry.choice(each)).setup)
            for each in earlier.trials
        )
        if self.known:
            folder.write_rows(EARLIER_FILE, TrialRecord, [each.to_row() for each in self.known])
        return earlier.hints

    def _sequential(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        registry: SetupRegistry,
        hints: Sequence[Hint],
    ) -> LiveSearch:
        """Return a search by one of Optuna's samplers, which trains or stops each trial once.

        Raises:
            OptionError: Optuna's study has another space.
        """
        options = self._options
        open_ids = {plan.trial_id for plan in self.remaining}
        ended = [each for each in recorder.trials() if each.trial_id not in open_ids]
        done = (*self.known, *(each for each in ended if each.seed == options.seed))
        proposer = Proposer(
            self._space,
            goal=SearchGoal(options.goal),
            sampler=options.optuna_sampler,
            seed=options.seed,
            name=manifest.study,
            storage=optuna.storages.RDBStorage(f"sqlite:///{folder.path}/{STORAGE_FILE}"),
            ended=frozenset(map(registry.choice, done)),
        )
        proposer.take(hints)
        return LiveSearch(
            options,
            registry=registry,
            proposer=proposer,
            trials=recorder.trials,
            epochs_of=recorder.epochs_of,
            ended=frozenset(each.trial_id for each in ended),
            known=self.known,
            objective=manifest.objective,
        )

    @property
    def further(self) -> Sequence[FurtherTrial]:
        """The repeats started so far."""
        return tuple(self.search.further) if isinstance(self.search, PausingSearch) else ()

    @property
    def answer(self) -> SearchAnswer | None:
        """The present answer of a search that pauses trainings; None for others and without an answer."""
        return self.search.answer if isinstance(self.search, PausingSearch) else None

    @property
    def setups(self) -> Sequence[SetupFacts]:
        """The setups known so far: all of the space, or those proposed from ranges up to now."""
        return () if self._registry is None else self._registry.setups

    @property
    def is_listed(self) -> bool:
        """Return whether all setups are known in advance."""
        return self._space.is_listed

    def prepared(self, scenario: Scenario) -> Scenario:
        """Return the scenario, told which values of its own axes the search may choose.

        Raises:
            OptionError: A value is not allowed.
        """
        if not isinstance(scenario, Searchable):
            return scenario
        lists = {axis.name: axis.values for axis in self._space.axes if isinstance(axis, Axis)}
        own = {name: lists[name] for name in scenario.own_axes if name in lists}
        return scenario.offering(own) if own else scenario

    @property
    def keeps_stopped(self) -> bool:
        """Return whether a later command with a larger budget would resume paused trials."""
        return self.pauses and self.search is not None and self.search.budget.is_used_up

    @property
    def first_epoch_j(self) -> float | None:
        """Energy of the first epoch, which decides the unit of the study; None before there is one."""
        return None if self._recorder is None else self._recorder.first_epoch_j

    def trials(self) -> list[TrialRecord]:
        """Return the records of the trials so far."""
        return [] if self._recorder is None else self._recorder.trials()

    @property
    def used_j(self) -> float:
        """Energy that its own trials have used, in joules, as far as known."""
        recorder = self._recorder
        if recorder is None:
            return 0.0
        return sum(used_j(each, recorder.epochs_of(each.trial_id)) for each in recorder.trials())

    @property
    def expected(self) -> int:
        """Number of trials started so far, since the total is only known at the end of a search."""
        return len(self.trials())

    @property
    def has_more(self) -> bool:
        """Always True: only the searcher knows, when Tune asks it for the next trial."""
        return True

    @property
    def summary(self) -> str:
        """Description of the space in words; the search may end before trying all of it."""
        if self.is_listed:
            return f"a search over {len(self.setups)} setups"
        return "a search over ranges, whose setups are numbered as they are proposed"

    def parts(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],  # noqa: ARG002 - what a search says stands at its end
    ) -> TuneParts:
        """Return the parts for Tune: a searcher for the proposals, and a stopper for the decisions.

        Args:
            slots: Number of trials that run at the same time.
            collect: Collects what trackers have booked; called before each proposal.
            note: Called after each proposal, to record it.
            say: Unused, because a search reports at its end.

        Raises:
            RuntimeError: `begin` was not called.
        """
        if self.search is None:
            message = "the search has not begun"
            raise RuntimeError(message)
        return TuneParts(
            searcher=ProposalSearcher(_Proposals(self.search, collect, note)),
            samples=-1,
            at_once=slots,
            stopper=TrialStopper(self.search, collect),
        )

    def run_again(self, lost: Sequence[TrialPlan]) -> None:
        """Do nothing, see `restarts`."""


@final
class _Proposals:
    """Proposals of a search, which collect the trackers' bookings before each one."""

    def __init__(
        self,
        search: LiveSearch | PausingSearch,
        collect: Callable[[], None],
        note: Callable[[], None],
    ) -> None:
        self._search = search
        self._collect = collect
        self._note = note

    @property
    def is_waiting(self) -> bool:
        return self._search.is_waiting

    def propose(self) -> TrialPlan | None:
        self._collect()
        plan = self._search.propose()
        if plan is not None:
            self._note()
        return plan

    def end(self, trial_id: str, result: Mapping[str, Any], *, lost: bool) -> None:
        failed = lost or result.get("stop_reason") == StopReason.ERROR.value
        self._search.end(trial_id, failed=failed)
