"""Evidence from repeats: intervals, ties, probabilities and the choice."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.energy.totals import SetupEnergy
from analysis.ranking.evidence import Evidence, evidence_of
from analysis.ranking.ranking import ChoiceRule, Ranking, rank
from study.inference.choice import Aim
from tests.analysis.study_folder import setup_energy

AIM = Aim(tolerance=0.01)


def evidence_for(*setups: SetupEnergy) -> Evidence:
    """Evidence for these setups, asserted to exist."""
    found = evidence_of(setups, AIM)
    assert found is not None
    return found


def ranked(*setups: SetupEnergy, rule: ChoiceRule = ChoiceRule.EXPECTED) -> Ranking:
    """Rank setups by the evidence of their repeats."""
    return rank(setups, evidence=evidence_of(setups, AIM), rule=rule)


def test_one_repeat_has_neither_interval_nor_tie_nor_probability() -> None:
    """One value says nothing about the spread."""
    setups = [setup_energy(1, [10.0], [0.9]), setup_energy(2, [10.1], [0.9])]

    evidence, ranking = evidence_for(*setups), ranked(*setups)

    assert evidence.posteriors is None
    assert (evidence.total_j(1), evidence.saving(1, 2), evidence.right(1)) == (None, None, None)
    assert not any(row.ties_with_first for row in ranking.rows)
    assert ranking.first is not None
    assert ranking.first.setup.setup == 1


def test_equal_setups_all_tie_with_the_first() -> None:
    """Where setups differ by noise alone, the costliest ties too, and ties are symmetric."""
    setups = [setup_energy(n, [9.0 + n / 10, 12.0 - n / 10], [0.9, 0.89]) for n in (1, 2, 3)]

    ranking = ranked(*setups)
    evidence = evidence_for(*setups)

    assert {row.setup.setup for row in ranking.rows[1:] if row.ties_with_first} == {
        row.setup.setup for row in ranking.rows[1:]
    }
    assert not evidence.differ_in_energy(1, 2)
    assert not evidence.differ_in_energy(2, 1)


def test_interval_of_a_large_saving_is_narrow() -> None:
    """1 J against 10 J, with repeats within a few percent, saves about 90 %."""
    setups = [setup_energy(1, [1.0, 1.05], [0.9, 0.9]), setup_energy(2, [10.0, 10.4], [0.9, 0.9])]

    found = evidence_for(*setups).saving(1, 2)

    assert found is not None
    assert 0.8 < found.low < 1 - 1.025 / 10.2 < found.high < 0.95


@given(st.floats(0.1, 10), st.floats(0.1, 10))
@pytest.mark.slow
def test_savings_in_both_directions_have_consistent_intervals(one_j: float, other_j: float) -> None:
    """The interval of 1 - a / b, inverted, is that of 1 - b / a."""
    evidence = evidence_for(
        setup_energy(1, [one_j, 1.3 * one_j], [0.9, 0.91]),
        setup_energy(2, [other_j, 1.1 * other_j], [0.9, 0.91]),
    )

    there, back = evidence.saving(1, 2), evidence.saving(2, 1)

    assert there is not None
    assert back is not None
    assert math.log1p(-there.low) == pytest.approx(-math.log1p(-back.high), abs=1e-2)
    assert math.log1p(-there.high) == pytest.approx(-math.log1p(-back.low), abs=1e-2)


def test_calibration_errors_cancel_on_the_same_board() -> None:
    """Setups 4 % apart differ on one board, not on two boards that may each be off by 5 %."""

    def differ_on(*boards: str) -> bool:
        pairs = zip((100.0, 96.0), boards, strict=True)
        return evidence_for(
            *(
                dataclasses.replace(
                    setup_energy(n, [e, e + 0.1, e - 0.1], [0.9] * 3), boards=(board,) * 3
                )
                for n, (e, board) in enumerate(pairs, start=1)
            )
        ).differ_in_energy(1, 2)

    assert differ_on("a", "a")
    assert not differ_on("a", "b")


def test_board_that_uses_more_in_every_setup_is_corrected_for() -> None:
    """Board b uses 10 % more in every setup; the saving of 10 % keeps its narrow interval."""
    setups = [
        dataclasses.replace(
            setup_energy(n, [e, 1.1 * e, 1.001 * e], [0.9] * 3), boards=("a", "b", "a")
        )
        for n, e in enumerate((100.0, 90.0, 80.0, 70.0), start=1)
    ]

    found = evidence_for(*setups)

    apart = found.saving(2, 1)
    assert found.boards is not None
    assert found.boards.widest == pytest.approx(0.1, abs=0.01)
    assert apart is not None
    assert 0.09 < apart.low < 0.1 < apart.high < 0.11


def test_uncertainty_of_readings_is_a_lower_bound_of_the_spread() -> None:
    """Repeats agree exactly; with a meter that is 10 J off, setups 4 J apart tie nevertheless."""
    sharp = [setup_energy(n, [e, e], [0.9, 0.9]) for n, e in ((1, 100.0), (2, 96.0))]
    blunt = [dataclasses.replace(each, uncertainty_own_j=10.0) for each in sharp]

    assert evidence_for(*sharp).differ_in_energy(1, 2)
    assert not evidence_for(*blunt).differ_in_energy(1, 2)


def test_expected_loss_prefers_a_slightly_costlier_but_surely_accurate_setup() -> None:
    """The threshold accepts a mean of 89.1 %, although its repeats range from 86.1 to 92.1 %."""
    setups = [
        setup_energy(1, [10.0, 10.1, 9.9], [0.90, 0.90, 0.90]),
        setup_energy(2, [9.6, 9.7, 9.5], [0.861, 0.921, 0.891]),
    ]

    expected = ranked(*setups).first
    threshold = ranked(*setups, rule=ChoiceRule.THRESHOLD).first

    assert expected is not None
    assert threshold is not None
    assert (expected.setup.setup, threshold.setup.setup) == (1, 2)


def test_a_point_leaves_the_front_only_when_it_is_worse_beyond_the_noise() -> None:
    """11 J against 10 J, both at 90 %: with repeats of +-2 J it stays, with +-0.1 J it leaves."""
    noisy = [setup_energy(1, [8.0, 12.0], [0.9, 0.9]), setup_energy(2, [9.0, 13.0], [0.9, 0.9])]
    sure = [setup_energy(1, [9.9, 10.1], [0.9, 0.9]), setup_energy(2, [10.9, 11.1], [0.9, 0.9])]

    assert {row.setup.setup for row in ranked(*noisy).rows if row.on_front} == {1, 2}
    assert {row.setup.setup for row in ranked(*sure).rows if row.on_front} == {1}


def test_repeats_that_differ_a_millionfold_have_a_finite_interval() -> None:
    """The interval is very wide, but nothing overflows."""
    found = evidence_for(setup_energy(1, [1.0, 1e6], [0.9, 0.1])).total_j(1)

    assert found is not None
    assert 0 <= found.low < 1000 < found.high < math.inf


def test_a_better_calibrated_board_has_a_narrower_total() -> None:
    """The power source's own calibration uncertainty counts; 5 % are assumed where it is unknown."""

    def width_j(calibration: float | None) -> float:
        setup = setup_energy(1, [100.0, 100.1, 99.9], [0.9] * 3)
        boards = ("a",) * 3
        found = evidence_for(
            dataclasses.replace(setup, boards=boards, calibration=calibration)
        ).total_j(1)
        assert found is not None
        return found.high - found.low

    assert width_j(0.01) < 3 < width_j(None) < width_j(0.1)


def test_accuracy_of_the_chosen_setup_is_corrected_for_selection() -> None:
    """Where setups differ by noise alone, the chosen one's interval is shifted below its mean."""
    setups = [setup_energy(n, [10.0, 11.0], [0.80 + n / 200, 0.84 + n / 200]) for n in range(1, 9)]

    evidence = evidence_for(*setups)
    assert evidence.posteriors is not None
    chosen = evidence.accuracy(evidence.chosen)
    mean = evidence.posteriors.objective.repeats.mean[evidence.index_of[evidence.chosen]]

    assert evidence.posteriors.selection_bias.objective > 0
    assert chosen is not None
    assert chosen.high - mean < mean - chosen.low
