"""Proposals of the setup that a search tries next: Optuna's samplers over a space of setups.

The samplers use Optuna's defaults; nothing in them is tuned to our benchmarks. Each setup is trained once:
where a sampler proposes one that was tried, Optuna is told that the proposal failed (with `repeats` as a
user attribute), and the nearest untried setup is taken instead. Otherwise a sampler over few setups would
pay again for what it knows.

Optuna's ask-and-tell interface is used. Values that are not finite are never told, since they would leave
a trial running for ever. A study in SQLite is resumed by its name.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from study.errors import OptionError
from study.record.search.goal import SearchGoal
from study.search.space.space import MOST_LISTED, Axis, Choice, Range, Space, Value
from study.search.warm_start import Hint

SamplerName = Literal["tpe", "nsga2", "gp", "random", "grid"]

SAMPLERS: Final[Mapping[str, Callable[[int], BaseSampler]]] = {
    "tpe": lambda seed: TPESampler(seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "gp": lambda seed: GPSampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}

DIGITS = 4
"""Significant digits to which numbers proposed from a range are rounded."""

MOST_REPEATS = 100
"""Number of repeated proposals in a row after which a range counts as exhausted."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A setup that is to be tried.

    Attributes:
        number: Number of the trial in Optuna's study.
        choice: Values of the setup.
    """

    number: int
    choice: Choice


@final
class Proposer:
    """Proposes setups, and learns from their results."""

    def __init__(
        self,
        space: Space,
        *,
        goal: SearchGoal,
        sampler: SamplerName,
        seed: int,
        name: str | None = None,
        storage: optuna.storages.BaseStorage | None = None,
        ended: frozenset[Choice] = frozenset(),
        backwards: bool = False,
    ) -> None:
        """Create Optuna's study, or resume the one in `storage`.

        Args:
            space: Space of the setups to propose.
            goal: Goal of the search.
            sampler: Sampler that proposes; grid takes the setups in their order.
            seed: Seed of the sampler.
            name: Name of Optuna's study; None to let Optuna choose.
            storage: Storage of Optuna's study; None for memory.
            ended: Setups in `storage` whose trials are recorded to their end.
            backwards: Whether grid starts from the last setup.

        Raises:
            OptionError: The space is too large or unbounded for grid, or `storage` has a study over
                another space.
        """
        if sampler == "grid" and not space.is_listed:
            message = (
                f"--sampler grid goes through at most {MOST_LISTED} setups, all of them from lists. "
                "Give a list, or low, high and step, where --space has a range; or another sampler."
            )
            raise OptionError(message)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        self._random = random.Random(seed)  # noqa: S311 - an order, not a secret
        self._in_order = sampler == "grid"
        self._backwards = backwards
        self._axes = {axis.name: _distribution(axis) for axis in space.axes}
        self._untried: dict[Choice, tuple[int, ...]] = {}
        if space.is_listed:
            setups = map(space.indices, range(int(space.size)))
            self._untried = {space.choice(each): each for each in setups}
        self._study = optuna.create_study(
            directions=list(goal.directions),
            sampler=SAMPLERS["random" if sampler == "grid" else sampler](seed),
            study_name=_kept_name(name, storage),
            storage=storage,
            load_if_exists=True,
        )
        self._check_space()
        self._tried: dict[Choice, int] = {}
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state is TrialState.RUNNING:
                # Left over from a command that was killed; the setup may be tried again.
                self._study.tell(trial.number, state=TrialState.FAIL)
            elif (choice := self._choice(trial.params)) in ended:
                self._take(trial.number, choice)

    @property
    def tried(self) -> tuple[Choice, ...]:
        """The setups proposed so far, in this order."""
        return tuple(self._tried)

    def next(self) -> Proposal | None:
        """Return the next setup; None when all were tried."""
        return self._next_listed() if self._space.is_listed else self._next_open()

    def _check_space(self) -> None:
        """Refuse to resume with another space, since Optuna's study stores only ranks of listed numbers.

        Raises:
            OptionError: The space differs from the one that the study was created with.
        """
        axes = [repr(axis) for axis in self._space.axes]
        if self._space.allowed_choices is not None:
            axes.append(repr(self._space.allowed_choices))
        known = self._study.user_attrs.get("axes")
        if known is None:
            self._study.set_user_attr("axes", axes)
        elif known != axes:
            message = (
                "--resume searches another space than the first time: the values of --space, "
                "--batch-sizes or --learning-rates differ. Give the first ones, or a new --name."
            )
            raise OptionError(message)

    def _next_listed(self) -> Proposal | None:
        if not self._untried:
            return None
        if self._in_order:
            return self._put(list(self._untried)[-1 if self._backwards else 0])
        trial = self._study.ask(self._axes)
        choice = self._choice(trial.params)
        if choice in self._untried:
            return self._take(trial.number, choice)
        if choice in self._tried:
            self._repeats(trial, choice)
        else:  # this combination of values is not a setup of the space
            self._study.tell(trial, state=TrialState.FAIL)
        return self._put(self._nearest(choice))

    def _next_open(self) -> Proposal | None:
        for _ in range(MOST_REPEATS):
            trial = self._study.ask(self._axes)
            choice = self._choice(trial.params)
            if choice not in self._tried:
                return self._take(trial.number, choice)
            self._repeats(trial, choice)
        return None

    def _repeats(self, trial: optuna.trial.Trial, choice: Choice) -> None:
        trial.set_user_attr("repeats", self._tried[choice])
        self._study.tell(trial, state=TrialState.FAIL)

    def tell(
        self,
        proposal: Proposal,
        values: tuple[float, ...] | None,
        *,
        pruned: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Report the result of a proposal to Optuna.

        Args:
            proposal: The proposal.
            values: Objective values, see `values_of`; None where it has none.
            pruned: Whether a proposal without values counts as pruned instead of failed.
            facts: User attributes to store with Optuna's trial.
        """
        if facts:
            trial = optuna.trial.Trial(self._study, self._trial_id(proposal.number))
            for name, value in facts.items():
                trial.set_user_attr(name, value)
        if values is not None:
            self._study.tell(proposal.number, values=list(values))
        else:
            self._study.tell(
                proposal.number, state=TrialState.PRUNED if pruned else TrialState.FAIL
            )

    def take(self, hints: Iterable[Hint]) -> None:
        """Add the results of earlier studies.

        A setup with values is not proposed again; one without values is proposed first.
        """
        for hint in hints:
            if hint.choice in self._tried:
                continue
            params = self._params(hint.choice)
            if hint.values is None:
                self._study.enqueue_trial(params)
                continue
            trial = optuna.trial.create_trial(
                params=params,
                distributions=self._axes,
                values=list(hint.values),
                user_attrs={"from": hint.study},
            )
            self._study.add_trial(trial)
            self._take(len(self._study.get_trials(deepcopy=False)) - 1, hint.choice)

    def _nearest(self, choice: Choice) -> Choice:
        """Return the untried setup with the fewest steps to a given one; ties are broken at random."""
        lists = self._space.lists or ()
        start = [axis.values.index(value) for axis, value in zip(lists, choice, strict=True)]
        ordered = [axis.is_ordered for axis in lists]

        def steps(indices: tuple[int, ...]) -> int:
            return sum(
                abs(a - b) if is_ordered else int(a != b)
                for is_ordered, a, b in zip(ordered, indices, start, strict=True)
            )

        distances = {each: steps(indices) for each, indices in self._untried.items()}
        least = min(distances.values())
        return self._random.choice([each for each, far in distances.items() if far == least])

    def _put(self, choice: Choice) -> Proposal:
        """Start a trial for a setup that the sampler did not propose."""
        self._study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=self._params(choice),
                distributions=self._axes,
            )
        )
        return self._take(len(self._study.get_trials(deepcopy=False)) - 1, choice)

    def _take(self, number: int, choice: Choice) -> Proposal:
        self._tried[choice] = number
        self._untried.pop(choice, None)
        return Proposal(number=number, choice=choice)

    def _trial_id(self, number: int) -> int:
        return self._study.get_trials(deepcopy=False)[number]._trial_id  # noqa: SLF001 - no other way

    def _choice(self, params: Mapping[str, Any]) -> Choice:
        return tuple(_value(axis, params[axis.name]) for axis in self._space.axes)

    def _params(self, choice: Choice) -> dict[str, Any]:
        return {
            axis.name: _param(axis, value)
            for axis, value in zip(self._space.axes, choice, strict=True)
        }


def _kept_name(name: str | None, storage: optuna.storages.BaseStorage | None) -> str | None:
    """Return the name of the only study in a storage, since its folder may have been renamed; else `name`."""
    kept = [] if storage is None else optuna.get_all_study_names(storage)
    return kept[0] if len(kept) == 1 else name


def _distribution(axis: Axis | Range) -> optuna.distributions.BaseDistribution:
    """Return Optuna's distribution of an axis: ranks for listed numbers, categories for words.

    With ranks a sampler sees equal steps between neighbours.
    """
    if isinstance(axis, Range):
        if axis.whole:
            return optuna.distributions.IntDistribution(int(axis.low), int(axis.high), log=axis.log)
        return optuna.distributions.FloatDistribution(axis.low, axis.high, log=axis.log)
    if axis.is_ordered:
        return optuna.distributions.IntDistribution(0, len(axis.values) - 1)
    return optuna.distributions.CategoricalDistribution(axis.values)


def _param(axis: Axis | Range, value: Value) -> Value:
    """Convert a value to Optuna's parameter."""
    if isinstance(axis, Axis) and axis.is_ordered:
        return axis.values.index(value)
    return value


def _value(axis: Axis | Range, param: Any) -> Value:  # noqa: ANN401 - Optuna's
    """Convert Optuna's parameter to a value; numbers of a range are rounded to readable digits."""
    if isinstance(axis, Range):
        short = param if axis.whole else float(f"{param:.{DIGITS}g}")
        return min(max(short, axis.low), axis.high)
    value: Value = axis.values[param] if axis.is_ordered else param
    return value
