"""Evidence about setups: what enters it, pooling over parameters, and corrections for selection."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.energy.spread import Interval95
from analysis.energy.totals import SetupEnergy
from analysis.ranking.evidence import Evidence, evidence_of
from analysis.ranking.ranking import rank
from study.inference import intervals
from study.inference.choice import Aim
from study.inference.failure import CostOfSuccess
from study.inference.repeats import relative_deviation
from study.record.objective import Objective
from tests.analysis.study_folder import setup_energy

COSTLY = setup_energy(1, [100.0, 104.0], [0.60, 0.62])
CHEAP = setup_energy(2, [10.0, 10.2], [0.97, 0.95])


def evidence_for(*setups: SetupEnergy) -> Evidence:
    """Evidence for these setups, asserted to exist."""
    found = evidence_of(setups, Aim(tolerance=0.01))
    assert found is not None
    return found


def test_the_setup_with_the_least_expected_loss_is_chosen() -> None:
    """Its position does not matter; among equal setups the lowest number is chosen."""
    alike = [setup_energy(n, [10.0], [0.9]) for n in (3, 1, 2)]

    found = evidence_for(COSTLY, CHEAP)

    assert found.chosen == 2
    assert found.expected_loss[2] == 0.0 < found.expected_loss[1]
    assert evidence_for(*alike).chosen == 1


def test_setups_without_energy_or_accuracy_do_not_enter_the_evidence() -> None:
    """An energy of 0 J, which has no logarithm, counts as missing."""
    unknown = [
        setup_energy(3, [None, None], [0.9, 0.9]),
        setup_energy(4, [1.0, 1.0], [None, None]),
        setup_energy(5, [1.0, 0.0], [0.9, 0.9]),
    ]

    assert evidence_for(COSTLY, *unknown, CHEAP).index_of == {1: 0, 2: 1}
    assert evidence_of(unknown, Aim(tolerance=0.01)) is None


def evenly_spaced(step_j: float) -> Evidence:
    """Evidence for four setups of equal accuracy, each needing `step_j` more than the one before."""
    found = evidence_for(
        *(
            setup_energy(n, [10 + step_j * n + 0.3, 10 + step_j * n - 0.3], [0.9, 0.9])
            for n in range(1, 5)
        )
    )
    assert found.chosen == 1
    return found


def test_only_the_total_of_the_chosen_setup_is_corrected_for_selection() -> None:
    """Any other setup has the uncorrected interval of its repeats."""
    found = evenly_spaced(0.1)
    assert found.posteriors is not None

    own = [intervals.total_interval_j(found.posteriors.energy, place) for place in (0, 1)]
    plain = [Interval95(low=float(each.low), high=float(each.high)) for each in own]

    assert found.total_j(2) == plain[1]
    chosen = found.total_j(1)
    assert chosen is not None
    assert chosen.high > plain[0].high


def test_reference_selected_for_its_energy_must_differ_by_more() -> None:
    """The costliest of several setups is partly so by chance."""
    found = evenly_spaced(0.45)

    assert found.differ_in_energy(1, 4)
    assert not found.differ_in_energy(1, 4, selected_as="against_costliest")
    assert evenly_spaced(0.6).differ_in_energy(1, 4, selected_as="against_costliest")


def test_energies_of_setups_that_share_a_parameter_are_pooled() -> None:
    """The same energies give other probabilities if the setups share no parameter."""
    numbers = [([10.0, 12.0], 64, 0.1), ([14.0, 11.0], 64, 0.2), ([20.0, 16.0], 128, 0.1)]
    grid = [
        setup_energy(n, energies, [0.9, 0.9], batch_size=batch, learning_rate=rate)
        for n, (energies, batch, rate) in enumerate([*numbers, ([19.0, 24.0], 128, 0.2)], start=1)
    ]
    unrelated = [replace(each, batch_size=n, learning_rate=n) for n, each in enumerate(grid)]

    assert evidence_for(*grid).cheapest(1) != pytest.approx(
        evidence_for(*unrelated).cheapest(1), abs=1e-3
    )


def test_accuracies_of_setups_that_share_a_parameter_are_pooled() -> None:
    """The same accuracies give other probabilities if the setups share no parameter."""
    numbers = [([0.80, 0.86], 64, 0.1), ([0.84, 0.82], 64, 0.2), ([0.90, 0.88], 128, 0.1)]
    grid = [
        setup_energy(n, [9.0, 10.0], accuracies, batch_size=batch, learning_rate=rate)
        for n, (accuracies, batch, rate) in enumerate([*numbers, ([0.89, 0.95], 128, 0.2)], start=1)
    ]
    unrelated = [replace(each, batch_size=n, learning_rate=n) for n, each in enumerate(grid)]

    pooled, separate = (
        evidence_for(*grid).most_accurate(3),
        evidence_for(*unrelated).most_accurate(3),
    )

    assert pooled != pytest.approx(separate, abs=1e-2)


def test_interval_of_an_accuracy_ends_at_one() -> None:
    """This holds for the chosen setup and for others."""
    found = evidence_for(*(setup_energy(n, [10.0 + n, 11.0], [0.999, 0.97]) for n in (1, 2, 3)))

    assert found.chosen == 1
    for n in (1, 2):
        interval = found.accuracy(n)
        assert interval is not None
        assert interval.low < interval.high == 1.0


def test_a_clearly_less_accurate_setup_is_not_on_the_front() -> None:
    """It is left out although the two cannot be told apart in energy."""
    good = setup_energy(1, [10.0, 10.4], [0.90, 0.905])
    poor = setup_energy(2, [10.2, 10.6], [0.80, 0.805])

    evidence = evidence_for(good, poor)

    assert not evidence.differ_in_energy(1, 2)
    assert [row.on_front for row in rank([good, poor], evidence=evidence).rows] == [True, False]


def test_failures_make_a_setup_costlier() -> None:
    """A setup that fails every other time costs twice its energy for each success."""
    sure, unsure = (setup_energy(n, [10.0], [0.9]) for n in (1, 2))
    cost = CostOfSuccess(
        attempts=2,
        successes=1,
        cost_j=20.0,
        overhead=math.log(2),
    )

    found = evidence_for(sure, replace(unsure, cost=cost))

    assert found.expected_loss == {1: 0.0, 2: pytest.approx(math.log(2))}


def test_evidence_is_reproducible() -> None:
    """The same repeats give identical intervals and probabilities, also with several boards."""
    setups = [
        replace(setup_energy(n, [10.0 + n, 11.0], [0.9, 0.92]), boards=("a", "b"))
        for n in range(1, 4)
    ]
    one, other = evidence_for(*setups), evidence_for(*setups)

    for n in (1, 2, 3):
        assert one.total_j(n) == other.total_j(n)
        assert one.accuracy(n) == other.accuracy(n)
        assert one.cheapest(n) == other.cheapest(n)


def test_variance_of_a_setup_is_at_least_that_of_its_meter() -> None:
    """Repeats that agree exactly are as uncertain as their readings, relative to each energy."""
    setups = [
        replace(setup_energy(n, [e, e], [0.9, 0.9]), uncertainty_own_j=10.0)
        for n, e in ((1, 100.0), (2, 50.0))
    ]

    found = evidence_for(*setups).posteriors

    assert found is not None
    deviations = [relative_deviation(10.0, e) for e in (100.0, 50.0)]
    assert found.energy.variances.min(axis=0) == pytest.approx([d**2 for d in deviations])


def test_draws_of_energy_and_accuracy_are_independent() -> None:
    """Neither their means nor their variances are correlated."""
    setups = [setup_energy(n, [10.0 + n, 11.0], [0.99 + n / 1000, 0.985]) for n in (1, 2, 3)]

    found = evidence_for(*setups).posteriors

    assert found is not None
    for energy, gains in (
        (found.energy.means, found.objective.means),
        (found.energy.variances, found.objective.variances),
    ):
        assert abs(np.corrcoef(energy[:, 0], gains[:, 0])[0, 1]) < 0.05


def test_without_repeats_of_the_accuracy_there_are_no_posteriors() -> None:
    """Repeats of the energy alone do not suffice."""
    found = evidence_for(
        setup_energy(1, [10.0, 11.0], [0.9, None]), setup_energy(2, [20.0, 21.0], [0.95, None])
    )

    assert found.posteriors is None
    assert found.chosen in (1, 2)


@pytest.mark.parametrize(("score", "expected"), [(49.51, 1), (49.49, 2)])
def test_a_tolerance_is_a_share_of_the_best_score(score: float, expected: int) -> None:
    """If the objective is not a share, 1 % of the best score 50 is tolerated, so down to 49.5."""
    found = evidence_of(
        [setup_energy(1, [1.0], [score]), setup_energy(2, [1.05], [50.0])],
        Aim(tolerance=0.01),
        Objective("score"),
    )

    assert found is not None
    assert found.chosen == expected


@pytest.mark.parametrize("worst", [2.0, 1e4])
def test_one_bad_loss_does_not_change_what_is_known_of_the_others(worst: float) -> None:
    """Even if its repeats differ by far, the intervals of the other losses stay narrow."""
    losses = {1: 0.400, 2: 0.401, 3: 0.460, 4: 0.470, 5: worst}
    setups = [
        setup_energy(n, [e, 1.02 * e], [loss, loss * (1.03 if n == 5 else 1.002)])
        for (n, loss), e in zip(losses.items(), (100.0, 50.0, 20.0, 10.0, 5.0), strict=True)
    ]

    found = evidence_of(setups, Aim(tolerance=0.01), Objective("loss", "min"))

    assert found is not None
    assert found.chosen == 2
    assert (found.right(2) or 0.0) > 0.7
    interval, bad = found.accuracy(2), found.accuracy(5)
    assert interval is not None
    assert bad is not None
    assert 0.38 < interval.low < 0.4014 < interval.high < 0.42
    assert bad.low < 1.015 * worst < bad.high


def test_shares_are_pooled_by_their_log_odds() -> None:
    """The same effect costs a good setup a few points and a bad one many; other scores are pooled by sums."""
    setups = [
        setup_energy(n, [10.0, 11.0], [a, a + 0.01], batch_size=64 * (n % 2 + 1))
        for n, a in enumerate((0.97, 0.90, 0.80, 0.50), start=1)
    ]

    share, score = (
        evidence_of(setups, Aim(tolerance=0.01), Objective("found", is_share=is_share))
        for is_share in (True, False)
    )

    assert share is not None
    assert score is not None
    assert share.posteriors is not None
    assert score.posteriors is not None
    assert share.scale is None
    assert score.scale is not None
    own, pooled = (
        score.scale.gains(each)
        for each in (score.posteriors.objective.means, score.posteriors.objective.pooled)
    )
    assert np.allclose(share.posteriors.objective.means, own, atol=0.02)
    assert not np.allclose(share.posteriors.objective.pooled, pooled, atol=0.02)
