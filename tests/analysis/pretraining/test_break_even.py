"""Equation 2 of the paper: by hand, and as a rule over all energies."""

import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.energy.stages import trial_stages
from analysis.pretraining.break_even import (
    BreakEvenInfo,
    BreakEvenOutcome,
    break_even,
    break_even_info,
)
from analysis.pretraining.tables import break_even_line
from analysis.read.load import load
from study.record.records import Stage
from tests.analysis.study_folder import grid, staged, write_study

ENERGY = st.floats(min_value=1e-6, max_value=1e9)
FROZEN, TOGETHER = Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER


@given(ENERGY, ENERGY, ENERGY)
def test_it_pays_at_n_and_not_before(encoder: float, together: float, classifier: float) -> None:
    """Exactly, for all energies; where nothing is saved there is no n."""
    found = break_even(encoder, together, classifier)

    if together <= classifier:
        assert found.outcome is BreakEvenOutcome.NEVER
        assert (found.cycles, found.pays_at) == (None, None)
        return
    assert found.pays_at is not None

    def paid(cycles: int) -> bool:
        return Fraction(encoder) + cycles * Fraction(classifier) <= cycles * Fraction(together)

    assert paid(found.pays_at)
    assert not paid(found.pays_at - 1)


@pytest.mark.parametrize(
    ("energies", "outcome", "cycles", "pays_at", "reason"),
    [
        ((100.0, 50.0, 10.0), BreakEvenOutcome.PAYS, 2.5, 3, ""),
        ((80.0, 50.0, 10.0), BreakEvenOutcome.PAYS, 2.0, 2, ""),
        ((1.0, 50.0, 10.0), BreakEvenOutcome.PAYS, 0.025, 1, ""),
        ((0.0, 50.0, 10.0), BreakEvenOutcome.PAYS, 0.0, 1, ""),
        (
            (100.0, 10.0, 10.0),
            BreakEvenOutcome.NEVER,
            None,
            None,
            "takes as much energy as training",
        ),
        (
            (100.0, 10.0, 12.0),
            BreakEvenOutcome.NEVER,
            None,
            None,
            "takes more energy than training",
        ),
        ((None, 10.0, 12.0), BreakEvenOutcome.NEVER, None, None, "more energy"),
        ((None, 50.0, 10.0), BreakEvenOutcome.ENCODER_UNKNOWN, None, None, "training the encoder"),
        ((100.0, None, 10.0), BreakEvenOutcome.UNKNOWN, None, None, "stage encoder+classifier"),
        ((100.0, 50.0, None), BreakEvenOutcome.UNKNOWN, None, None, "stage classifier"),
    ],
)
def test_each_outcome_has_its_name_and_reason(
    energies: tuple[float | None, float | None, float | None],
    outcome: BreakEvenOutcome,
    cycles: float | None,
    pays_at: int | None,
    reason: str,
) -> None:
    """E_enc, E_enc+class, E_class; a missing energy is never taken for 0."""
    found = break_even(*energies)

    assert (found.outcome, found.cycles, found.pays_at) == (outcome, cycles, pays_at)
    assert reason in found.reason


def info(folder: Path, energies: dict[int, list[tuple[float | None, ...]]]) -> BreakEvenInfo:
    """The break-even of setups, by (encoder, together, frozen) of each repeat."""
    setups = grid([64], [0.1, 0.01, 0.001, 0.0001])[: len(energies)]
    trials = [
        staged(setup, {Stage.ENCODER: [e], TOGETHER: [t], FROZEN: [c]}, seed=seed)
        for setup, repeats in energies.items()
        for seed, (e, t, c) in enumerate(repeats)
    ]
    study = load(write_study(folder / "a", setups, trials))
    return break_even_info(setups, trial_stages(study.epochs), cycle=FROZEN)


def test_best_worst_median_and_average_are_taken_over_the_setups_that_pay(tmp_path: Path) -> None:
    """Cycles 1, 4 and 10, one never: average 5, median 4, and one counted beside them."""
    found = info(
        tmp_path,
        {
            1: [(40.0, 20.0, 10.0)],
            2: [(100.0, 20.0, 10.0)],
            3: [(10.0, 20.0, 10.0)],
            4: [(10.0, 20.0, 30.0)],
        },
    )

    assert found.best is not None
    assert found.worst is not None
    assert found.average is not None
    assert (found.best.setup, found.worst.setup) == (3, 2)
    assert (found.median, found.average.mean) == (4.0, 5.0)
    assert (found.pays, found.never, found.unknown) == (3, 1, 0)


def test_a_setup_is_judged_by_its_means_and_shows_its_repeats(tmp_path: Path) -> None:
    """Means 100, 30, 10 give 5; the repeats give 100 / 30 and 100 / 10, spread about them."""
    found = info(tmp_path, {1: [(100.0, 40.0, 10.0), (100.0, 20.0, 10.0)]}).rows[0]

    assert (found.of_means.cycles, found.repeats, found.never) == (5.0, 2, 0)
    assert found.cycles is not None
    assert found.cycles.values == pytest.approx((10 / 3, 10.0))


def test_median_and_average_have_a_spread_over_repeats(tmp_path: Path) -> None:
    """Repeat 0: cycles 1, 2, 6, so 2 and 3. Repeat 1: 3, 4, and one never, so 3.5 and 3.5."""
    found = info(
        tmp_path,
        {
            1: [(10.0, 20.0, 10.0), (30.0, 20.0, 10.0)],
            2: [(20.0, 20.0, 10.0), (40.0, 20.0, 10.0)],
            3: [(60.0, 20.0, 10.0), (60.0, 20.0, 30.0)],
        },
    )

    assert found.median_by_repeat is not None
    assert found.average_by_repeat is not None
    assert found.median_by_repeat.values == pytest.approx((2.0, 3.5))
    assert found.average_by_repeat.values == pytest.approx((3.0, 3.5))
    assert break_even_line(found) == (
        "pays in 2 of 3 setups; best 2 ± 1.4 (setup 1); worst 3 ± 1.4 (setup 2); "
        "median 2.5 ± 1.1; average 2.5 ± 0.4 (over setups ± 0.7); ± over repeats unless said otherwise; "
        "never in 1, which no average can hold"
    )


def test_a_repeat_that_lacks_an_energy_enters_none_of_the_means(tmp_path: Path) -> None:
    """Means over different repeats would be compared with each other."""
    found = info(tmp_path, {1: [(100.0, 40.0, 10.0), (900.0, 20.0, None)]}).rows[0]

    assert (found.encoder_j, found.repeats) == (100.0, 1)
    assert found.of_means.pays_at == math.ceil(100 / 30)


def test_without_an_encoders_energy_it_is_said_and_not_averaged(tmp_path: Path) -> None:
    """Published weights: what each cycle saves is known, when it pays is not."""
    found = info(tmp_path, {1: [(None, 40.0, 10.0)]})

    assert found.rows[0].of_means.outcome is BreakEvenOutcome.ENCODER_UNKNOWN
    assert found.rows[0].of_means.saved_per_cycle_j == 30.0
    assert (found.average, found.best, found.unknown) == (None, None, 1)


def test_a_setup_without_a_trial_is_unknown(tmp_path: Path) -> None:
    """It is shown, and has no number."""
    setups = grid([64], [0.1, 0.01])
    study = load(write_study(tmp_path / "a", setups, [staged(1, {FROZEN: [1.0]})]))

    found = break_even_info(setups, trial_stages(study.epochs), cycle=FROZEN)

    assert [row.of_means.outcome for row in found.rows] == [
        BreakEvenOutcome.UNKNOWN,
        BreakEvenOutcome.UNKNOWN,
    ]
    assert found.rows[1].repeats == 0
