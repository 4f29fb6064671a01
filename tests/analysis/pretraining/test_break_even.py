"""Break-even (Equation 2 of the paper): examples computed by hand, and properties."""

import math
import re
from dataclasses import replace
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
from study.record.vocabulary import Stage
from tests.analysis.study_folder import grid, staged, write_study

ENERGY = st.floats(min_value=1e-6, max_value=1e9)
FROZEN, TOGETHER = Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER


@given(ENERGY, ENERGY, ENERGY)
def test_pretraining_pays_from_the_stated_number_of_trainings_on(
    encoder: float, together: float, classifier: float
) -> None:
    """This holds exactly, for all energies; where nothing is saved there is no such number."""
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
        ((1.0, 0.75, 0.25), BreakEvenOutcome.PAYS, 2.0, 2, ""),
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
    """Energies are E_enc, E_enc+class and E_class; a missing one is never taken for 0."""
    found = break_even(*energies)

    _, together, classifier = energies
    saved = None if together is None or classifier is None else together - classifier
    assert (found.outcome, found.cycles, found.pays_at) == (outcome, cycles, pays_at)
    assert found.saved_per_cycle_j == saved
    assert reason in found.reason


def info(folder: Path, energies: dict[int, list[tuple[float | None, ...]]]) -> BreakEvenInfo:
    """The break-even of setups, given (encoder, together, frozen) energies of each repeat."""
    setups = grid([64], [0.1, 0.01, 0.001, 0.0001])[: len(energies)]
    trials = [
        staged(setup, {Stage.ENCODER: [e], TOGETHER: [t], FROZEN: [c]}, seed=seed)
        for setup, repeats in energies.items()
        for seed, (e, t, c) in enumerate(repeats)
    ]
    study = load(write_study(folder / "a", setups, trials))
    return break_even_info(setups, trial_stages(study.epochs), cycle=FROZEN)


def test_break_even_over_all_setups_is_the_ratio_of_the_sums(tmp_path: Path) -> None:
    """160 J of encoders over 10 + 10 + 10 - 10 J saved make 8; the setup that never pays is included."""
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
    assert found.pooled is not None
    assert (found.best.setup, found.worst.setup) == (3, 2)
    assert (found.pooled.cycles, found.pooled.setups, found.pooled.interval) == (8.0, 4, None)
    assert (found.pays, found.never, found.unknown) == (3, 1, 0)
    assert found.intervals is None


def test_where_nothing_is_saved_over_all_setups_it_does_not_pay(tmp_path: Path) -> None:
    """10 - 20 J are saved, so it never pays, although setup 1 pays by itself."""
    found = info(tmp_path, {1: [(40.0, 20.0, 10.0)], 2: [(40.0, 20.0, 40.0)]})

    assert found.pooled is not None
    assert not found.pooled.pays
    assert found.pays == 1


def test_a_setup_is_judged_by_its_means_with_an_interval(tmp_path: Path) -> None:
    """Means of 100, 30 and 10 J give 5; the repeats alone give 10 / 3 and 10, and the interval has both."""
    found = info(tmp_path, {1: [(100.0, 40.0, 10.0), (100.0, 20.0, 10.0)]}).rows[0]

    assert (found.of_means.cycles, found.repeats) == (5.0, 2)
    assert found.interval is not None
    assert found.interval.low < 10 / 3
    assert found.interval.high > 10


def test_the_break_even_over_one_setup_is_that_of_the_setup(tmp_path: Path) -> None:
    """Both have the same interval."""
    found = info(tmp_path, {1: [(100.0, 40.0, 10.0), (90.0, 41.0, 11.0), (110.0, 39.0, 9.0)]})

    assert found.pooled is not None
    assert found.pooled.interval is not None
    assert found.pooled.interval == found.rows[0].interval


def test_best_and_worst_are_compared_with_what_noise_alone_gives(tmp_path: Path) -> None:
    """All setups have a true break-even of 5; the extremes differ, but their intervals contain 5."""
    factors = ((0.9, 1.1), (1.05, 0.95), (1.0, 1.1), (0.92, 1.02))
    found = info(
        tmp_path,
        {
            n: [(100.0 * f, 30.0 / f, 10.0 * f) for f in pair]
            for n, pair in enumerate(factors, start=1)
        },
    )

    assert found.intervals is not None
    assert found.pooled is not None
    assert found.pooled.interval is not None
    assert found.pooled.interval.low < 5 < found.pooled.interval.high
    assert all(each.low < 5 < each.high for each in found.intervals.if_selected.values())
    assert found.intervals.noise_best < 5 < found.intervals.noise_worst
    line = break_even_line(found)
    assert line.startswith("pays in 4 of 4 setups; over all setups after 5.")
    assert "noise alone would make" in line


def test_a_repeat_that_lacks_an_energy_enters_none_of_the_means(tmp_path: Path) -> None:
    """Means over different repeats are not comparable."""
    found = info(tmp_path, {1: [(100.0, 40.0, 10.0), (900.0, 20.0, None)]}).rows[0]

    assert (found.encoder_j, found.repeats) == (100.0, 1)
    assert found.of_means.pays_at == math.ceil(100 / 30)


def test_without_an_encoders_energy_the_break_even_is_unknown(tmp_path: Path) -> None:
    """With published weights, the saving per cycle is known, but not when it pays."""
    found = info(tmp_path, {1: [(None, 40.0, 10.0)]})

    assert found.rows[0].of_means.outcome is BreakEvenOutcome.ENCODER_UNKNOWN
    assert found.rows[0].of_means.saved_per_cycle_j == 30.0
    assert (found.pooled, found.best, found.unknown) == (None, None, 1)


def test_repeats_without_an_encoder_count_if_they_have_the_other_energies(
    tmp_path: Path,
) -> None:
    """40 - 10 J are saved; the repeat that lacks the classifier's energy would raise the mean."""
    found = info(tmp_path, {1: [(None, 40.0, 10.0), (None, 900.0, None)]}).rows[0]

    assert (found.repeats, found.from_scratch_j, found.classifier_j) == (1, 40.0, 10.0)


def test_a_complete_repeat_excludes_one_that_lacks_its_encoder(tmp_path: Path) -> None:
    """The incomplete one would enter only two of the three means."""
    found = info(tmp_path, {1: [(100.0, 40.0, 10.0), (None, 900.0, 20.0)]}).rows[0]

    assert (found.repeats, found.from_scratch_j, found.classifier_j) == (1, 40.0, 10.0)
    assert found.of_means.pays_at == math.ceil(100 / 30)


def test_of_equal_setups_the_first_is_the_best_and_the_last_the_worst(
    tmp_path: Path,
) -> None:
    """The order goes by number, so that the same study always names the same setups."""
    found = info(tmp_path, {n: [(40.0, 20.0, 10.0)] for n in (1, 2, 3)})

    assert found.best is not None
    assert found.worst is not None
    assert (found.best.setup, found.worst.setup) == (1, 3)


def test_a_row_has_all_parameters_of_its_setup(tmp_path: Path) -> None:
    """They include others than batch size and learning rate."""
    setups = [replace(grid([64], [0.1])[0], parameters={"depth": 3})]
    study = load(write_study(tmp_path / "a", setups, [staged(1, {FROZEN: [1.0]})]))

    [row] = break_even_info(setups, trial_stages(study.epochs), cycle=FROZEN).rows

    assert (row.batch_size, row.learning_rate, row.parameters) == (64, 0.1, {"depth": 3})
    assert (row.repeats, row.classifier_j, row.from_scratch_j) == (0, 1.0, None)


def test_a_setup_without_a_trial_is_unknown(tmp_path: Path) -> None:
    """It has a row without numbers."""
    setups = grid([64], [0.1, 0.01])
    study = load(write_study(tmp_path / "a", setups, [staged(1, {FROZEN: [1.0]})]))

    found = break_even_info(setups, trial_stages(study.epochs), cycle=FROZEN)

    assert [row.of_means.outcome for row in found.rows] == [
        BreakEvenOutcome.UNKNOWN,
        BreakEvenOutcome.UNKNOWN,
    ]
    assert found.rows[1].repeats == 0
    assert found.cycle is FROZEN


def test_the_interval_of_the_worst_belongs_to_the_named_setup(tmp_path: Path) -> None:
    """Setup 3 never pays and is counted separately, so the worst with a number is setup 2."""
    factors = (0.99, 1.01)
    found = info(
        tmp_path,
        {
            n: [(encoder * f, 30.0, classifier / f) for f in factors]
            for n, (encoder, classifier) in enumerate(
                ((40.0, 10.0), (200.0, 10.0), (40.0, 60.0)), start=1
            )
        },
    )

    assert found.worst is not None
    assert found.worst.setup == 2
    line = break_even_line(found)
    assert re.search(r"worst 10\.0 \(setup 2\), 95 % interval 9\.\d to 10\.\d;", line)
    assert "never in 1" in line
