"""Arms of a recorded table: setups that differ only in cost-only axes form one arm."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, final

from study.search.arms.training import Setting
from study.search.replay.table import RecordedTraining, ReplayTable, to_target_j
from study.search.space.space import Axis, Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedArm:
    """Recorded trainings of one arm at each setting, in ascending order of the seed."""

    settings: Mapping[Setting, tuple[RecordedTraining, ...]] = field(repr=False)

    @property
    def seeds(self) -> int:
        """Number of trainings that are recorded at every setting."""
        return min(len(many) for many in self.settings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTable:
    """A table of recorded trainings, organised by arms.

    Attributes:
        names: Names of all axes, in the order of the table.
        axes: Axes of an arm.
        cost_only: Cost-only axes, whose values form a setting.
        arms: Recorded trainings of each arm.
    """

    names: tuple[str, ...]
    axes: tuple[Axis, ...]
    cost_only: tuple[Axis, ...]
    arms: Mapping[Choice, RecordedArm] = field(repr=False)

    @classmethod
    def of(cls, table: ReplayTable, *, sharing: bool = True) -> Self:
        """Group the setups of a table into arms.

        Args:
            table: The table.
            sharing: Whether the settings of an arm share their learning curves; if False, each setup is
                an arm of its own.
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
        """Return the draws of the recorded seed for each training of an arm."""
        return Draws({arm: recorded.seeds for arm, recorded in self.arms.items()}, seed)

    def grid_answer_j(self, seed: int, target: float) -> float:
        """Return the energy to the target of the grid's answer in joules, given the first drawn seed of each arm."""
        drawn = self.draw(seed)
        return min(
            to_target_j(many[drawn.index(arm, 0)], target)
            for arm, recorded in self.arms.items()
            for many in recorded.settings.values()
        )

    def setup(self, arm: Choice, setting: Setting) -> Choice:
        """Return the setup of an arm at a setting, in the order of the table's axes."""
        named = dict(zip([a.name for a in self.axes], arm, strict=True))
        named |= dict(zip([a.name for a in self.cost_only], setting, strict=True))
        return tuple(named[name] for name in self.names)


@final
class Draws:
    """Random draws of recorded seeds: each of them once before any is drawn again.

    All settings of an arm get the same recorded seed. The same seed gives the same draws, in whatever
    order trainings are started.
    """

    def __init__(self, seeds: Mapping[Choice, int], seed: int) -> None:
        """Prepare the draws.

        Args:
            seeds: Number of recorded seeds of each arm.
            seed: Seed of the draws.
        """
        self._seeds = seeds
        self._sources = {
            arm: random.Random(f"{seed} {place}")  # noqa: S311 - a simulation
            for place, arm in enumerate(seeds)
        }
        self._drawn: dict[Choice, list[int]] = {arm: [] for arm in seeds}

    def index(self, arm: Choice, training: int) -> int:
        """Return the index of the recorded seed for the training of an arm with a number from 0."""
        drawn = self._drawn[arm]
        while len(drawn) <= training:
            drawn += self._sources[arm].sample(range(self._seeds[arm]), self._seeds[arm])
        return drawn[training]
