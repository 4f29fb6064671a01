"""How a search steers Ray Tune: where its trials come from, and when they end.

Optuna is asked and told by `study.live_search`, not by Ray's `OptunaSearch`: that one leaves a
trial with a metric that is not a number running for ever, keeps its state in a pickle beside
Optuna's own storage, and knows nothing of a setup that was tried before.
"""

from collections.abc import Callable
from typing import Any, cast, final

import optuna
from ray import tune
from ray.tune.search import Searcher

from study.errors import StorageError
from study.live_search import LiveSearch, choice_of
from study.manifest import Manifest
from study.objectives import Objective
from study.proposals import Proposer
from study.recorder import Recorder
from study.records import EpochRecord, StopReason, TrialRecord
from study.results import StudyFolder
from study.search_options import SearchOptions
from study.setups import TrialPlan
from study.warm_start import Hint

STORAGE_FILE = "optuna.db"


@final
class Steering:
    """A search's hand on a study that `study.launch` runs.

    Attributes:
        search: The search; None until it has begun.
    """

    def __init__(self, options: SearchOptions, hints: Callable[[Manifest], list[Hint]]) -> None:
        """Search with `options`; `hints` are what earlier studies know."""
        self.search: LiveSearch | None = None
        self._options = options
        self._hints = hints
        self._recorder: Recorder | None = None

    def begin(
        self,
        folder: StudyFolder,
        manifest: Manifest,
        recorder: Recorder,
        remaining: list[TrialPlan],
    ) -> None:
        """Open Optuna's study in the study's folder, and take into account what has ended.

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
        options, space = self._options, self._options.searched()
        known = {plan.trial_id for plan in remaining}
        trials = recorder.trials()
        through = [each for each in trials if each.trial_id not in known]
        ended = frozenset(choice_of(_plan(each), space, options) for each in through)
        proposer = Proposer(
            space,
            objective=Objective(options.objective),
            sampler=options.sampler,
            seed=options.seed,
            name=manifest.study,
            storage=optuna.storages.RDBStorage(f"sqlite:///{folder.path}/{STORAGE_FILE}"),
            ended=ended,
        )
        proposer.take(self._hints(manifest) if not trials else [])
        self._recorder = recorder
        self.search = LiveSearch(
            options,
            space=space,
            proposer=proposer,
            plans=remaining,
            trials=recorder.trials,
        )
        self.search.earlier()

    def trials(self) -> list[TrialRecord]:
        """What the trials came to."""
        return [] if self._recorder is None else self._recorder.trials()

    def searcher(self, collect: Callable[[], None]) -> Searcher:
        """Where Tune gets its trials from; `collect` brings what trackers have booked."""
        return _TrialSource(self._begun(), collect)

    def stopper(self) -> tune.Stopper:
        """What ends Tune's trials."""
        return _TrialStopper(self._begun())

    def _begun(self) -> LiveSearch:
        if self.search is None:
            message = "the search has not begun"
            raise RuntimeError(message)
        return self.search


def _plan(record: TrialRecord) -> TrialPlan:
    return TrialPlan(
        trial_id=record.trial_id,
        attempt=record.attempts,
        setup=record.setup,
        batch_size=record.batch_size,
        learning_rate=record.learning_rate,
        seed=record.seed,
        parameters=record.parameters,
    )


@final
class _TrialSource(Searcher):
    """Gives Tune one trial after another."""

    def __init__(self, search: LiveSearch, collect: Callable[[], None]) -> None:
        super().__init__(metric=None, mode=None)
        self._search = search
        self._collect = collect
        self._ours: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune stores its searchers, and a search is resumed from its rows instead."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The next trial, or Tune's word for there being none."""
        self._collect()
        plan = self._search.propose()
        if plan is None:
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
        failed = error or (result or {}).get("stop_reason") == StopReason.ERROR.value
        self._search.end(self._ours[trial_id], failed=failed)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""


@final
class _TrialStopper(tune.Stopper):
    """Ends trials as the search judges; the row of such a trial's last epoch says so."""

    def __init__(self, search: LiveSearch) -> None:
        self._search = search

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, like `_TrialSource`."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Tune's own
        reason = self._search.epoch(EpochRecord.from_result(result))
        if reason is None:
            return False
        result["stop_reason"] = reason.value
        return True

    def stop_all(self) -> bool:
        return False
