"""The arms of a recorded table: setups that differ only in cost-only axes are one."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, final

from study.search.arms.training import Setting
from study.search.replay.table import RecordedTraining, ReplayTable, to_target_j
from study.search.space.space import Axis, Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedArm:
    """The recordings of one arm: of each setting, by rising seed."""

    settings: Mapping[Setting, tuple[RecordedTraining, ...]] = field(repr=False)

    @property
    def seeds(self) -> int:
        """Trainings of which every setting is recorded."""
        return min(len(many) for many in self.settings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTable:
    """A table by its arms.

    Attributes:
        axes: What an arm chooses.
        cost_only: What a setting chooses.
        names: Of all axes, in the order of the table's.
        arms: The recordings of each.
    """

    names: tuple[str, ...]
    axes: tuple[Axis, ...]
    cost_only: tuple[Axis, ...]
    arms: Mapping[Choice, RecordedArm] = field(repr=False)

    @classmethod
    def of(cls, table: ReplayTable, *, sharing: bool = True) -> Self:
        """Sort a table's setups into arms.

        Args:
            table: The table.
            sharing: Whether settings of an arm share their curves; else each setup is an arm.
        """
        lists = table.space.lists or ()
        apart = [sharing and axis.cost_only for axis in lists]
        arms: dict[Choice, dict[Setting, tuple[RecordedTraining, ...]]] = {}
        for choice, many in table.recordings.items():
            arm = tuple(v for v, is_cost in zip(choice, apart, strict=True) if not is_cost)
            setting = tuple(v for v, is_cost in zip(choice, apart, strict=True) if is_cost)
            arms.setdefault(arm, {})[setting] = many
        return cls(
            names=tuple(axis.name for axis in lists),
            axes=tuple(axis for axis, is_cost in zip(lists, apart, strict=True) if not is_cost),
            cost_only=tuple(axis for axis, is_cost in zip(lists, apart, strict=True) if is_cost),
            arms={arm: RecordedArm(settings=settings) for arm, settings in arms.items()},
        )

    def draw(self, seed: int) -> "Draws":
        """Draw which recorded seed each training of an arm gets."""
        return Draws({arm: recorded.seeds for arm, recorded in self.arms.items()}, seed)

    def grid_answer_j(self, seed: int, target: float) -> float:
        """Energy of the grid's answer, if it gets the first seed of each arm's draw."""
        drawn = self.draw(seed)
        return min(
            to_target_j(many[drawn.place(arm, 0)], target)
            for arm, recorded in self.arms.items()
            for many in recorded.settings.values()
        )

    def setup(self, arm: Choice, setting: Setting) -> Choice:
        """The setup of an arm at a setting, in the order of the table's axes."""
        named = dict(zip([a.name for a in self.axes], arm, strict=True))
        named |= dict(zip([a.name for a in self.cost_only], setting, strict=True))
        return tuple(named[name] for name in self.names)


@final
class Draws:
    """Recorded seeds by chance: each once, and then all of them again.

    All settings of an arm have the same. The same seed gives the same draws, in whatever order
    trainings are begun.
    """

    def __init__(self, seeds: Mapping[Choice, int], seed: int) -> None:
        """Draw among `seeds`, the number of each arm's."""
        self._seeds = seeds
        self._sources = {
            arm: random.Random(f"{seed} {place}")  # noqa: S311 - a simulation
            for place, arm in enumerate(seeds)
        }
        self._drawn: dict[Choice, list[int]] = {arm: [] for arm in seeds}

    def place(self, arm: Choice, training: int) -> int:
        """Place of the recorded seed that a training of an arm gets, counted from 0."""
        drawn = self._drawn[arm]
        while len(drawn) <= training:
            drawn += self._sources[arm].sample(range(self._seeds[arm]), self._seeds[arm])
        return drawn[training]
