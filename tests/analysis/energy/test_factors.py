"""The analysis of variance: against another library's formula, by hand, and where it cannot be."""

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
def test_it_agrees_with_the_textbook_table(lost: int) -> None:
    """Sums of squares, F and p of statsmodels' type II table, balanced and with a value lost."""
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


def test_shares_are_worked_out_by_hand() -> None:
    """Cell means 0, 2, 4, 6, repeats 0.1 about them: squares 32 by size, 8 by rate, 0.08 left."""
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


def test_one_repeat_has_no_interaction_and_says_so() -> None:
    """Both main effects are tested against what is left over; there is no interval."""
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
    """And no number is."""
    infos = factor_infos(setups_of(values))

    assert reason in infos[0].reason
    assert infos[0].effects == ()
    assert "cannot be tested here" in verdict(infos)


def test_the_verdict_weighs_the_papers_conclusion() -> None:
    """Energy per epoch by size alone; epochs are all 1, so duration cannot be tested."""
    rng = np.random.default_rng(2)
    values = {(s, r): list(1000 / s + rng.normal(size=3) / 100) for s, r in GRID}
    setups = setups_of(values)
    infos = factor_infos(setups)

    assert "all values are the same" in verdict(infos)

    by_rate = {(s, r): list(30 + 1000 * r + rng.normal(size=3)) for s, r in GRID}
    duration = factor_infos(setups_of(by_rate))[0]
    ruled = (infos[0], dataclasses.replace(infos[1], effects=duration.effects, reason=""))
    by_size = (infos[0], dataclasses.replace(infos[1], effects=infos[0].effects, reason=""))
    assert " hold in this study" in verdict(ruled)
    assert "batch size explains 100 % of the variance of energy per epoch (p < 0.001)" in verdict(
        ruled
    )
    assert "hold in part" in verdict(by_size)


def test_a_probability_that_is_not_known_is_not_0() -> None:
    """Two repeats of one setup leave no variance to test against."""
    said = [_p_text(p) for p in (None, 0.0, 0.0009, 0.02)]

    assert said == ["p not known", "p < 0.001", "p < 0.001", "p = 0.020"]


def test_a_probability_too_small_for_its_decimals_is_not_shown_as_0(tmp_path: Path) -> None:
    """Repeats that agree to the last digit: the table says less than 0.0001."""
    trials = [
        constant(setup, float(setup), 0.5, seed=seed) for setup in (1, 2, 3, 4) for seed in (0, 1)
    ]
    study = load(write_study(tmp_path / "s", grid([64, 256], [0.1, 0.01]), trials))

    table = factor_table(analyse(study))

    assert [row[-1].text for row in table.rows[:2]] == ["<0.0001", "<0.0001"]
    assert "epochs to stop: all values are the same" in table.legend


def test_every_axis_is_a_factor() -> None:
    """Energy that a precision decides, whatever the batch size; what all setups share is no factor."""
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
    """Its effect is all that there is."""
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
    """A suffix is dropped only where it names a unit of ours."""
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
