"""Recorded trainings replayed as running studies, whose first part is known and whose rest is forecast."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from study.forecast.study_forecast import Run
from study.record.vocabulary import COST_ONLY_AXES

AXES = ("batch_size", "learning_rate", "power_limit_w")

UNLIMITED = 10
"""If all trainings of a table are equally long, their limit is unknown and set to this multiple of the length."""


class Order(StrEnum):
    """Order in which a replayed study trains."""

    RANDOM = "random"
    """All trials in random order."""
    AS_RUN = "as studies run"
    """Repeat after repeat, in random order within each (`study.store.setups.trial_plans`)."""
    GRID = "grid"
    """Repeat after repeat, in the grid's order within each."""
    SETUPS = "setup after setup"
    """Each setup with all its repeats, in the grid's order: it takes long until most values have been seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Table of recorded trainings.

    Attributes:
        name: Name of the file or folder, without a suffix.
        runs: All trainings, in the grid's order.
        max_epochs: Largest number of epochs of a training.
    """

    name: str
    runs: tuple[Run, ...]
    max_epochs: int

    def study(self, rng: np.random.Generator, order: Order, repeats: int | None) -> list[Run]:
        """Return the trainings of one study, all of them complete, in the order in which it trains them.

        Args:
            rng: Random numbers for the recorded seeds of the repeats, and for the order.
            order: Kind of order.
            repeats: Number of repeats of each setup; None for all that are recorded.
        """
        learning: dict[Any, set[int]] = {}
        for run in self.runs:
            learning.setdefault(_learning(run), set()).add(run.seed)
        # Setups that differ only in cost-only axes share their seeds, as in a study.
        drawn = {key: list(rng.permutation(sorted(seeds))) for key, seeds in learning.items()}
        kept = [
            (drawn[_learning(run)].index(run.seed), run)
            for run in self.runs
            if repeats is None or drawn[_learning(run)].index(run.seed) < repeats
        ]
        chance = rng.permutation(len(kept))
        by: dict[Order, Callable[[int], tuple[float, ...]]] = {
            Order.RANDOM: lambda place: (chance[place],),
            Order.AS_RUN: lambda place: (kept[place][0], chance[place]),
            Order.GRID: lambda place: (kept[place][0], place),
            Order.SETUPS: lambda place: (place,),
        }
        return [kept[place][1] for place in sorted(range(len(kept)), key=by[order])]


def read_table(path: Path) -> Table:
    """Read a table of epochs: a CSV, or a folder with `epochs.csv` and the study's manifest."""
    file = path / "epochs.csv" if path.is_dir() else path
    frame = pd.read_csv(file)
    axes = [axis for axis in AXES if axis in frame.columns]
    runs = [
        Run(
            trial=f"{dict(zip(axes, key[:-1], strict=True))}, seed {key[-1]}",
            stage="training",
            chosen=dict(zip(axes, key[:-1], strict=True)),
            seed=int(key[-1]),
            epochs=len(rows),
            energies_j=tuple(map(float, rows.sort_values("epoch")["epoch_energy_j"])),
            time_s=float(rows["epoch_time_s"].sum()),
            has_ended=True,
        )
        for key, rows in _trainings(frame, [*axes, "seed"])
    ]
    lengths = {each.epochs for each in runs}
    limit = max(lengths) * (1 if len(lengths) > 1 else UNLIMITED)
    manifest = path / "study.json"
    if manifest.exists():
        limit = json.loads(manifest.read_text())["options"]["max_epochs"]
    return Table(
        name=path.stem if path.suffix else path.name,
        runs=tuple(replace(each, is_cut=each.epochs >= limit) for each in runs),
        max_epochs=limit,
    )


def _trainings(
    frame: pd.DataFrame, columns: list[str]
) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    for key, rows in frame.groupby(columns, sort=True):
        yield tuple(cast("Iterable[Any]", key)), rows


def seen_until(study: Sequence[Run], share: float, *, next_epochs: int) -> list[Run]:
    """Return the trainings as they are known when a share of them has ended.

    Args:
        study: All trainings, complete, in the order of training.
        share: Share of the trainings that have ended.
        next_epochs: Epochs that the next training has done by then, if it has more than these.
    """
    ended = max(1, round(share * len(study)))
    return [
        run if place < ended else _begun(run, next_epochs if place == ended else 0)
        for place, run in enumerate(study)
    ]


def _begun(run: Run, epochs: int) -> Run:
    """Return the training as running, after `epochs` epochs, or not begun if it has no more than these."""
    done = epochs if epochs < run.epochs else 0
    part = done / run.epochs
    return replace(
        run,
        epochs=done,
        energies_j=run.energies_j[:done],
        time_s=part * run.time_s,
        fewest=done + 1,
        has_ended=False,
        is_cut=False,
    )


def _learning(run: Run) -> tuple[tuple[str, object], ...]:
    return tuple((name, v) for name, v in run.chosen.items() if name not in COST_ONLY_AXES)
