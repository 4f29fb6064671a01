"""Synthetic jobs of many kinds, to develop and check a search on beside recorded tables; never for findings.

Each number is another job. Random are: 3 to 8 batch sizes, 1 to 4 learning rates, 1 to 7 power limits, where the
best lies, how much setups and seeds differ (deviation of the logarithm 0.03 to 0.3), plateaus at the start, and
the share of setups that reach the target. For an arm at distance d from the best rate and i - o from the best
batch size o, where the best rate falls by 0.3 decades for each doubling of the batch size, and n is unit normal
and drawn anew wherever it occurs:

    scale      s = s0 exp(k max(0, i - o) + 0.15 max(0, o - i) + 0.35 |d| + 0.1 n), each seed exp(noise n)
    final      a = a0 - c d^2 - 0.004 max(0, i - o)^2, each seed + 0.004 n
    score      chance + (a - chance) (1 - (1 + e / (s g))^-g) + 0.003 n after e epochs beyond the plateau
    power      70 + 200 b / (b + 256) watts, cut at the limit; time grows by (demand / limit)^0.45
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.search.replay.table import ReplayTable, table_of

SEEDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Synthetic job.

    Attributes:
        table: Table of its trainings.
        target: Target value of the score.
    """

    table: ReplayTable
    target: float


def world(number: int, *, seeds: int = SEEDS) -> World:
    """Generate a job; the same number gives the same job."""
    draw = np.random.default_rng(10_000 + number)
    job = _job(draw)
    rows = [row for arm in _arms(job, draw) for row in _rows(arm, job, draw, seeds)]
    frame = pd.DataFrame(
        rows,
        columns=[
            *("batch_size", "learning_rate", "seed", "epoch", "val_score"),
            *("epoch_energy_j", "epoch_time_s", "power_limit_w"),
        ],
    ).assign(synthetic=True)
    best = frame.groupby(["batch_size", "learning_rate", "seed"])["val_score"].max()
    reached = best.groupby(level=[0, 1]).median()
    share = draw.choice([0.2, 0.5, 0.8])
    target = max(
        float(np.floor(1000 * (reached.quantile(share) - 0.004)) / 1000), job.chance + 0.02
    )
    return World(table=table_of(frame, name=f"world {number}"), target=target)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    sizes: tuple[int, ...]
    rates: tuple[float, ...]
    limits: tuple[int, ...]
    noise: float
    bend: float
    chance: float
    samples: float
    best_size: float
    best_rate: float
    final: float
    epochs: int
    plateaus: float
    curvature: float
    slower: float
    scale: float
    patience: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    size: int
    rate: float
    final: float
    scale: float
    plateau: int


def _job(draw: np.random.Generator) -> _Job:
    sizes, rates = int(draw.integers(3, 9)), int(draw.choice([1, 1, 3, 4]))
    limits = int(draw.choice([1, 1, 4, 7]))
    least = 8 * 2 ** int(draw.integers(0, 4))
    epochs = int(draw.choice([10, 30, 60, 100]))
    return _Job(
        sizes=tuple(least * 2**place for place in range(sizes)),
        rates=tuple(10.0**-place for place in range(1, rates + 1)),
        limits=tuple(np.linspace(100, 250, limits).round().astype(int).tolist()),
        noise=float(draw.choice([0.03, 0.1, 0.2, 0.3])),
        bend=float(draw.uniform(0.7, 3)),
        chance=float(draw.choice([0.0, 0.1, 0.5])),
        samples=float(draw.choice([2e3, 2e4, 1e5])),
        best_size=float(draw.uniform(0, sizes - 1)),
        best_rate=float(draw.uniform(0, rates - 1)),
        final=float(draw.uniform(0.7, 0.95)),
        epochs=epochs,
        plateaus=float(draw.choice([0, 0, 0.3, 1])),
        curvature=float(draw.uniform(0.005, 0.05)),
        slower=float(draw.uniform(0.05, 0.4)),
        scale=float(draw.uniform(1, epochs / 8)),
        patience=int(draw.choice([5, 10, 100])),
    )


def _arms(job: _Job, draw: np.random.Generator) -> list[_Arm]:
    found = []
    for place, size in enumerate(job.sizes):
        beyond = place - job.best_size
        for at, rate in enumerate(job.rates):
            # `at` counts decades down, so the best rate falls as batches grow: the reverse of the square-root
            # rule, which `synthetic_table` follows. It is left so because published figures were made with it.
            apart = (at - job.best_rate) - 0.3 * beyond if len(job.rates) > 1 else 0.0
            exponent = job.slower * max(0.0, beyond) + 0.15 * max(0.0, -beyond) + 0.35 * abs(apart)
            late = draw.random() < job.plateaus
            found.append(
                _Arm(
                    size=size,
                    rate=rate,
                    final=job.final - job.curvature * apart**2 - 0.004 * max(0.0, beyond) ** 2,
                    scale=job.scale * float(np.exp(exponent + 0.1 * draw.normal())),
                    plateau=int(draw.integers(2, max(3, job.epochs // 6))) if late else 0,
                )
            )
    return found


def _rows(arm: _Arm, job: _Job, draw: np.random.Generator, seeds: int) -> list[tuple[float, ...]]:
    time_s = job.samples / arm.size * (0.004 + arm.size * 12e-6)
    demand_w = 70 + 200 * arm.size / (arm.size + 256)
    rows: list[tuple[float, ...]] = []
    for seed in range(seeds):
        scores = _scores(arm, job, draw)
        for limit in job.limits:
            power_w = min(float(limit), demand_w)
            epoch_s = time_s * (demand_w / power_w) ** 0.45
            rows += [
                (arm.size, arm.rate, seed, epoch, score, power_w * epoch_s, epoch_s, limit)
                for epoch, score in enumerate(scores, start=1)
            ]
    return rows


def _scores(arm: _Arm, job: _Job, draw: np.random.Generator) -> list[float]:
    scale = arm.scale * float(np.exp(job.noise * draw.normal()))
    gained = max(arm.final + 0.004 * float(draw.normal()), job.chance) - job.chance
    found: list[float] = []
    best, waited = 0.0, 0
    for epoch in range(1, job.epochs + 1):
        since = max(0, epoch - arm.plateau)
        rise = 1 - (1 + since / scale / job.bend) ** -job.bend
        found.append(job.chance + gained * rise + 0.003 * float(draw.normal()))
        waited = 0 if found[-1] > best + 0.001 else waited + 1
        best = max(best, found[-1])
        if waited >= job.patience and epoch > arm.plateau + job.patience:
            break
    return found
