"""A search as a trial source of Ray Tune: where its trials come from, and when they end.

Optuna is asked and answered by `study.search.live_search`, not by Ray's `OptunaSearch`: that one leaves a
trial with a metric that is not a number running for ever, keeps its state in a pickle beside
Optuna's own storage, and knows nothing of a setup that was tried before.
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
    """A search in the place of a grid; see `study.execution.trial_source.TrialSource`.

    Attributes:
        restarts: None: a search has weighed the epochs of what it lost already.
        search: The search; None until it has begun.
        pauses: Whether it goes on with trials that it has stopped.
        known: Trials of earlier studies that it begins with.
        remaining: Of the setups that are listed, the trials that had not ended when it began.
    """

    restarts = 0
    hears_epochs = may_grow = True
    notes: Sequence[str] = ()

    def __init__(
        self,
        options: SearchOptions,
        space: Space,
        earlier: Callable[[Manifest, Collection[str]], EarlierStudies],
    ) -> None:
        """Search `space` with `options`; `earlier` is what earlier studies know for the machines there are."""
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
        """Refuse what cannot begin; see `TrialSource`.

        Raises:
            StorageError: The folder is not on a file system, where SQLite could keep it.
            OptionError: A study given with --from is not alike.
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
        """Open Optuna's study in the study's folder, and take into account what has ended.

        Raises:
            OptionError: A study given with --from is not alike, now that the machines are known.
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
            if self.pauses:  # Optuna's study has them
                with suppress(OptionError):  # they are gone, and were but an order
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
        """The trials that are known beforehand, and repeats of earlier commands."""
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
        """Take the trials of earlier studies, with the numbers that their setups have here."""
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
        """A search that trains or stops each trial once, as one of Optuna's samplers proposes.

        Raises:
            OptionError: Optuna's study is over another space.
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
        """The repeats that were begun; these grow."""
        return tuple(self.search.further) if isinstance(self.search, PausingSearch) else ()

    @property
    def answer(self) -> SearchAnswer | None:
        """The setup that a search which pauses trainings would recommend now."""
        return self.search.answer if isinstance(self.search, PausingSearch) else None

    @property
    def setups(self) -> Sequence[SetupFacts]:
        """The setups that are known: all of them, or those proposed from a range; these grow."""
        return () if self._registry is None else self._registry.setups

    @property
    def is_listed(self) -> bool:
        """Return whether all setups are known beforehand."""
        return self._space.is_listed

    def prepared(self, scenario: Scenario) -> Scenario:
        """The scenario with what the search chooses of its own.

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
        """Return whether a larger budget would go on with what was paused."""
        return self.pauses and self.search is not None and self.search.budget.is_used_up

    @property
    def first_epoch_j(self) -> float | None:
        """Energy of the first epoch, which decides the unit; None before there is one."""
        return None if self._recorder is None else self._recorder.first_epoch_j

    def trials(self) -> list[TrialRecord]:
        """Return the records of the trials so far."""
        return [] if self._recorder is None else self._recorder.trials()

    @property
    def used_j(self) -> float:
        """Energy that its own trials have used, as far as it is known."""
        recorder = self._recorder
        if recorder is None:
            return 0.0
        return sum(used_j(each, recorder.epochs_of(each.trial_id)) for each in recorder.trials())

    @property
    def expected(self) -> int:
        """The trials that were begun: how many a search needs is known at its end."""
        return len(self.trials())

    @property
    def has_more(self) -> bool:
        """True: only the searcher knows, when Tune asks it."""
        return True

    @property
    def summary(self) -> str:
        """Describe what may be tried; a search may stop earlier, or not know its end yet."""
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
        """Proposals one after another, and the search's decisions who goes on."""
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
        """Nothing: see `restarts`."""


@final
class _Proposals:
    """The search as a proposer: it knows before each proposal what trackers have booked."""

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
