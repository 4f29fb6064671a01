"""The analysis of variance: against statsmodels, by hand, and where it is impossible."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.energy.factors import (
    BATCH_SIZE,
    INTERACTION,
    LEARNING_RATE,
    _p_text,
    factor_infos,
    verdict,
)
from analysis.energy.totals import SetupEnergy
from analysis.findings import analyse
from analysis.read.load import load
from analysis.tables.factor_table import factor_table
from tests.analysis.study_folder import constant, grid, setup_energy, write_study

GRID = list(itertools.product([64, 256, 1024], [0.1, 0.01]))


def setups_of(values: dict[tuple[int, float], list[float]]) -> list[SetupEnergy]:
    """Setups whose energies are the given values."""
    return [
        setup_energy(n, energies, [0.5] * len(energies), batch_size=size, learning_rate=rate)
        for n, ((size, rate), energies) in enumerate(values.items(), start=1)
    ]


@pytest.mark.parametrize("lost", [0, 1])
def test_analysis_of_variance_agrees_with_statsmodels(lost: int) -> None:
    """Shares, F and p are those of a type II table, for balanced data and with a value missing."""
    rng = np.random.default_rng(1)
    values = {
        (size, rate): list(100 / size**0.5 + 3 * (rate > 0.05) + rng.normal(size=3))
        for size, rate in GRID
    }
    values[64, 0.1] = values[64, 0.1][lost:]
    rows = [(size, rate, y) for (size, rate), ys in values.items() for y in ys]
    frame = pd.DataFrame(rows, columns=["size", "rate", "y"])
    table = anova_lm(ols("y ~ C(size) * C(rate)", frame).fit(), typ=2)

    found = factor_infos(setups_of(values))[0]

    total = float(((frame["y"] - frame["y"].mean()) ** 2).sum())
    for effect, row in zip(found.effects, ("C(size)", "C(rate)", "C(size):C(rate)"), strict=True):
        assert effect.share == pytest.approx(table.loc[row, "sum_sq"] / total)
        assert effect.f == pytest.approx(table.loc[row, "F"])
        assert effect.p == pytest.approx(table.loc[row, "PR(>F)"])
        assert effect.interval is not None
        assert 0 <= effect.interval.low <= effect.interval.high <= 1


def test_shares_agree_with_a_computation_by_hand() -> None:
    """Cell means 0, 2, 4, 6 with repeats 0.1 around them: sums of squares 32 (size), 8 (rate), 0.08 (rest)."""
    values = {
        (64, 0.1): [-0.1, 0.1],
        (64, 0.01): [1.9, 2.1],
        (256, 0.1): [3.9, 4.1],
        (256, 0.01): [5.9, 6.1],
    }

    size, rate, interaction = factor_infos(setups_of(values))[0].effects

    assert size.share == pytest.approx(32 / 40.08)
    assert rate.share == pytest.approx(8 / 40.08)
    assert interaction.share == pytest.approx(0, abs=1e-12)
    assert size.f == pytest.approx(32 / (0.08 / 4))
    assert (size.factor, rate.factor, interaction.factor) == (
        BATCH_SIZE,
        LEARNING_RATE,
        INTERACTION,
    )


def test_with_one_repeat_there_is_no_interaction() -> None:
    """Main effects are tested against the residual and have no interval; the reason is given."""
    values = {(s, r): [s + 10 * r + (s == 64) * r] for s, r in GRID}

    found = factor_infos(setups_of(values))[0]

    assert [effect.factor for effect in found.effects] == [BATCH_SIZE, LEARNING_RATE]
    assert [effect.interval for effect in found.effects] == [None, None]
    assert "one repeat" in found.reason


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({(64, 0.1): [1.0, 2.0]}, "one batch size only"),
        ({(64, 0.1): [1.0], (256, 0.1): [2.0]}, "one learning rate only"),
        ({(64, 0.1): [1.0], (256, 0.01): [2.0]}, "too few trials"),
        ({}, "nothing was measured"),
        ({cell: [5.0, 5.0] for cell in GRID}, "all values are the same"),
    ],
)
def test_where_there_is_nothing_to_test_the_reason_is_given(
    values: dict[tuple[int, float], list[float]], reason: str
) -> None:
    """There are no effects, and the verdict says that it cannot be tested."""
    infos = factor_infos(setups_of(values))

    assert reason in infos[0].reason
    assert infos[0].effects == ()
    assert "cannot be tested here" in verdict(infos)


def test_verdict_compares_with_the_papers_conclusions() -> None:
    """They hold where batch size decides energy per epoch and learning rate the duration."""
    rng = np.random.default_rng(2)
    values = {(s, r): list(1000 / s + rng.normal(size=3) / 100) for s, r in GRID}
    setups = setups_of(values)
    infos = factor_infos(setups)

    assert "all values are the same" in verdict(infos)

    by_rate = {(s, r): list(30 + 1000 * r + rng.normal(size=3)) for s, r in GRID}
    duration = factor_infos(setups_of(by_rate))[0]
    as_in_paper = (infos[0], dataclasses.replace(infos[1], effects=duration.effects, reason=""))
    by_size = (infos[0], dataclasses.replace(infos[1], effects=infos[0].effects, reason=""))
    assert " hold in this study" in verdict(as_in_paper)
    assert "batch size explains 100 % of the variance of energy per epoch (p < 0.001)" in verdict(
        as_in_paper
    )
    assert "hold in part" in verdict(by_size)


def test_an_unknown_p_value_is_not_0() -> None:
    """It is called "not known"; one that is very small is given as a bound."""
    shown = [_p_text(p) for p in (None, 0.0, 0.0009, 0.02)]

    assert shown == ["p not known", "p < 0.001", "p < 0.001", "p = 0.020"]


def test_a_p_value_too_small_for_its_decimals_is_not_shown_as_0(tmp_path: Path) -> None:
    """Repeats agree exactly, so the table says less than 0.0001."""
    trials = [
        constant(setup, float(setup), 0.5, seed=seed) for setup in (1, 2, 3, 4) for seed in (0, 1)
    ]
    study = load(write_study(tmp_path / "s", grid([64, 256], [0.1, 0.01]), trials))

    table = factor_table(analyse(study))

    assert [row[-1].text for row in table.rows[:2]] == ["<0.0001", "<0.0001"]
    assert "epochs to stop: all values are the same" in table.legend


def test_every_axis_is_a_factor() -> None:
    """Precision decides the energy, whatever the batch size; a parameter that all setups share is no factor."""
    rng = np.random.default_rng(3)
    setups = [
        dataclasses.replace(
            setup_energy(n, list(base + rng.normal(size=3)), [0.5] * 3, batch_size=size),
            parameters={"precision": precision, "weight_decay": 0.1},
        )
        for n, (size, precision, base) in enumerate(
            [(64, "fp32", 100), (64, "bf16", 50), (256, "fp32", 100), (256, "bf16", 50)], start=1
        )
    ]

    found = factor_infos(setups)[0]

    assert [each.factor for each in found.effects] == [BATCH_SIZE, "precision", INTERACTION]
    assert [each.significant for each in found.effects] == [False, True, False]
    assert found.effects[1].share > 0.95
    assert "one learning rate only" in verdict(factor_infos(setups))


def test_one_axis_alone_has_no_interaction() -> None:
    """Its main effect is the only one."""
    setups = [
        dataclasses.replace(
            setup_energy(n, [watts - 1.0, watts + 1.0], [0.5] * 2),
            parameters={"power_limit_w": watts},
        )
        for n, watts in enumerate((100.0, 200.0, 300.0), start=1)
    ]

    (effect,) = factor_infos(setups)[0].effects

    assert effect.factor == "power limit"
    assert effect.share == pytest.approx(20000 * 2 / (20000 * 2 + 6))


def test_axes_that_begin_alike_are_two_factors() -> None:
    """Only axes of our own lose a unit suffix: `sigma_s` and `sigma_w` keep theirs."""
    setups = [
        dataclasses.replace(
            setup_energy(n, [joules - 1.0, joules + 1.0], [0.5] * 2),
            parameters={"sigma_s": s, "sigma_w": w},
        )
        for n, (s, w, joules) in enumerate(
            ((1, 3, 100.0), (1, 4, 200.0), (2, 3, 100.0), (2, 4, 200.0)), start=1
        )
    ]

    found = factor_infos(setups)[0]

    assert [each.factor for each in found.effects] == ["sigma s", "sigma w", INTERACTION]
