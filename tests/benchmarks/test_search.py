"""The benchmark of searches: bins of stated probabilities, and rivals' searches on small tables."""

import pytest

from benchmarks.search.reliability import bins, brier
from benchmarks.search.sm2 import sm2
from benchmarks.search.ways import Ours, Result, Way, judged, typical_j
from benchmarks.search.zeus import zeus
from study.search.replay.table import table_of
from tests.study.replayed import rows_of


def result(stated: float | None, *, is_right: bool) -> Result:
    """Result of a search, in which only the stated probability and whether it was right matter."""
    return Result(share_to_near=0.1, share=0.2, has_answer=True, is_right=is_right, right=stated)


def test_a_bin_holds_if_stated_probability_and_true_share_agree() -> None:
    """A search that stated no probability is in no bin."""
    results = [
        *[result(0.92, is_right=True)] * 46,
        *[result(0.92, is_right=False)] * 4,
        *[result(0.75, is_right=True)] * 50,
        result(None, is_right=False),
    ]

    low, high = bins(results)

    assert (low.count, low.is_judged, low.holds) == (50, True, False)
    assert (high.count, high.is_judged, high.holds) == (50, True, True)


def test_the_brier_score_of_the_base_rate_is_its_variance() -> None:
    """With three of four searches right, it is 0.75 x 0.25, whatever was stated."""
    results = [result(1.0, is_right=right) for right in (True, True, True, False)]

    assert brier(results) == pytest.approx((0.25, 0.1875))


@pytest.mark.parametrize("way", [Ours(), zeus, sm2])
def test_every_way_finds_the_best_of_three_batch_sizes(way: Way) -> None:
    """Ours, Zeus and SM2 find the middle one, which needs half the energy of the next best or less."""
    curves = {
        (16, 0.1): [([0.5, 0.7, 0.8, 0.9], 2.0)],
        (32, 0.1): [([0.6, 0.9], 2.0)],
        (64, 0.1): [([0.2, 0.4, 0.6, 0.9], 3.0)],
    }

    [found] = judged(table_of(rows_of(curves), name="three"), 0.9, way, range(1))

    assert found.has_answer
    assert found.is_right
    assert 0 < found.share_to_near <= found.share


def test_the_energy_of_seeds_that_miss_the_target_counts() -> None:
    """Seeds with 1 J and 4 J reach it, one uses 6 J in vain: sqrt(1 x 4) + 6 / 2 = 5 J."""
    curves = {(8, 0.1): [([0.9], 1.0), ([0.9], 4.0), ([0.1], 6.0)], (16, 0.1): [([0.1], 1.0)]}

    assert typical_j(table_of(rows_of(curves), name="t"), 0.9) == {(8, 0.1): pytest.approx(5.0)}
