"""How a search steers Ray Tune: where its trials come from, and when they end.

Optuna is asked and told by `study.search.live_search`, not by Ray's `OptunaSearch`: that one leaves a
trial with a metric that is not a number running for ever, keeps its state in a pickle beside
Optuna's own storage, and knows nothing of a setup that was tried before.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast, final

import optuna
from ray import tune
from ray.tune.search import Searcher

from study.errors import StorageError
from study.record.manifest import Manifest, SetupFacts
from study.record.records import EARLIER_FILE, EpochRecord, StopReason, TrialRecord
from study.record.search_goal import SearchGoal
from study.scenario import Scenario, Searchable
from study.search.live_search import LiveSearch
from study.search.options import SearchOptions
from study.search.proposals import Proposer
from study.search.space.setup_registry import SetupRegistry
from study.search.space.space import Axis, Space
from study.search.warm_start import Earlier
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, trial_plans

STORAGE_FILE = "optuna.db"


@final
class RaySearchAdapter:
    """A search's hand on a study that `study.execution.launch` runs.

    Attributes:
        search: The search; None until it has begun.
        known: Trials of earlier studies that it was told of.
    """

    def __init__(
        self, options: SearchOptions, space: Space, earlier: Callable[[Manifest], Earlier]
    ) -> None:
        """Search `space` with `options`; `earlier` is what earlier studies know."""
        self.search: LiveSearch | None = None
        self.known: tuple[TrialRecord, ...] = ()
        self._options = options
        self._space = space
        self._earlier = earlier
        self._recorder: Recorder | None = None
        self._book: SetupRegistry | None = None

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        remaining: Sequence[TrialPlan],
    ) -> None:
        """Open Optuna's study in the study's folder, and take into account what has ended.

        Args:
            folder: Of the study.
            manifest: As it will be written.
            recorder: Has the trials of earlier commands.
            remaining: Of the setups in the manifest, the trials that have not ended.

        Raises:
            StorageError: The folder is not on a file system, where SQLite could keep it.
            OptionError: A study given with --from is not alike.
        """
        if not folder.is_local:
            message = (
                f"{folder.path} is not in a file system; Optuna's study is kept in SQLite, which "
                "needs one. Give a folder or a mount as --results-dir."
            )
            raise StorageError(message)
        options, space, setups = self._options, self._space, manifest.setups
        resumed = folder.exists()
        if resumed and not space.is_listed:
            setups = folder.read_manifest().setups
            plans = trial_plans(setups, options.seeds, shuffle_seed=0)
            remaining = recorder.expect(plans, retry_failed=options.retry_failed)
        book = SetupRegistry(space, setups, otherwise=options.otherwise, expect=recorder.expect)
        open_ids = {plan.trial_id for plan in remaining}
        through = [each for each in recorder.trials() if each.trial_id not in open_ids]
        rows = folder.read_rows(EARLIER_FILE) if resumed else []
        self.known = tuple(map(TrialRecord.from_row, rows))
        done = (*self.known, *(each for each in through if each.seed == options.seed))
        proposer = Proposer(
            space,
            goal=SearchGoal(options.goal),
            sampler=options.sampler,
            seed=options.seed,
            name=manifest.study,
            storage=optuna.storages.RDBStorage(f"sqlite:///{folder.path}/{STORAGE_FILE}"),
            ended=frozenset(map(book.choice, done)),
        )
        if not resumed:
            earlier = self._earlier(manifest)
            # With the numbers that their setups have here.
            self.known = tuple(
                replace(each, setup=book.setup(book.choice(each)).setup) for each in earlier.trials
            )
            proposer.take(earlier.hints)
            if self.known:
                known = [each.to_row() for each in self.known]
                folder.write_rows(EARLIER_FILE, TrialRecord, known)
        self._recorder, self._book = recorder, book
        self.search = LiveSearch(
            options,
            book=book,
            proposer=proposer,
            trials=recorder.trials,
            ended=frozenset(each.trial_id for each in through),
            known=self.known,
        )
        self.search.earlier()

    @property
    def setups(self) -> Sequence[SetupFacts]:
        """The setups that are known: all of them, or those proposed from a range; these grow."""
        return () if self._book is None else self._book.setups

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

    def trials(self) -> list[TrialRecord]:
        """What the trials came to."""
        return [] if self._recorder is None else self._recorder.trials()

    def searcher(self, collect: Callable[[], None], note: Callable[[], None]) -> Searcher:
        """Where Tune gets its trials from.

        Args:
            collect: Brings what trackers have booked.
            note: Writes down the setups, after each that is new.
        """
        return _TrialSource(self._begun(), collect, note)

    def stopper(self, collect: Callable[[], None]) -> tune.Stopper:
        """What ends Tune's trials; `collect` brings what trackers have booked."""
        return _TrialStopper(self._begun(), collect)

    def _begun(self) -> LiveSearch:
        if self.search is None:
            message = "the search has not begun"
            raise RuntimeError(message)
        return self.search


@final
class _TrialSource(Searcher):
    """Gives Tune one trial after another."""

    def __init__(
        self, search: LiveSearch, collect: Callable[[], None], note: Callable[[], None]
    ) -> None:
        super().__init__(metric=None, mode=None)
        self._search = search
        self._collect = collect
        self._note = note
        self._ours: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune stores its searchers, and a search is resumed from its rows instead."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next trial, nothing as yet, or Tune's word for there being none."""
        self._collect()
        plan = self._search.propose()
        if plan is None:
            if self._search.is_waiting:
                return None
            finished: Any = Searcher.FINISHED
            return cast("dict[str, Any]", finished)
        self._note()
        self._ours[trial_id] = plan.trial_id
        return plan.to_config()

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,
        error: bool = False,  # noqa: FBT001, FBT002 - as Tune calls it
    ) -> None:
        failed = error or (result or {}).get("stop_reason") == StopReason.ERROR.value
        self._search.end(self._ours[trial_id], failed=failed)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""


@final
class _TrialStopper(tune.Stopper):
    """Ends trials as the search judges; the row of such a trial's last epoch says so."""

    def __init__(self, search: LiveSearch, collect: Callable[[], None]) -> None:
        self._search = search
        self._collect = collect

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, like `_TrialSource`."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Tune's own
        record = EpochRecord.from_result(result)
        if self._search.is_before_first_epoch(record.trial_id):
            # Its set-up is booked by now, and counts before it is judged whether it goes on.
            self._collect()
            self._search.book_overhead()
        reason = self._search.epoch(record)
        if reason is None:
            return False
        result["stop_reason"] = reason.value
        return True

    def stop_all(self) -> bool:
        return False
