"""What judges searches: bins of stated probabilities, made-up jobs, and rivals that come to an end."""

import pytest

from benchmarks.search.reliability import bins, brier
from benchmarks.search.sm2 import sm2
from benchmarks.search.ways import Ours, Result, Way, judged, typical_j
from benchmarks.search.zeus import zeus
from study.search.replay.table import table_of
from tests.study.replayed import rows_of


def result(stated: float | None, *, is_right: bool) -> Result:
    """A search of which only what it stated matters."""
    return Result(share_to_near=0.1, share=0.2, has_answer=True, is_right=is_right, right=stated)


def test_a_bin_holds_where_what_was_stated_is_what_happened() -> None:
    """Within four points; a search that stated nothing is in none."""
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
    """Three of four are right."""
    results = [result(1.0, is_right=right) for right in (True, True, True, False)]

    assert brier(results) == pytest.approx((0.25, 0.1875))


@pytest.mark.parametrize("way", [Ours(), zeus, sm2])
def test_every_way_finds_the_best_of_three_batch_sizes(way: Way) -> None:
    """The middle one needs half of what the others need."""
    curves = {
        (16, 0.1): [([0.5, 0.7, 0.8, 0.9], 2.0)],
        (32, 0.1): [([0.6, 0.9], 2.0)],
        (64, 0.1): [([0.2, 0.4, 0.6, 0.9], 3.0)],
    }

    [found] = judged(table_of(rows_of(curves), name="three"), 0.9, way, range(1))

    assert found.has_answer
    assert found.is_right
    assert 0 < found.share_to_near <= found.share


def test_what_a_missed_seed_used_counts_for_those_that_reached() -> None:
    """Two seeds with 1 J and 4 J reach it, one uses 6 J in vain."""
    curves = {(8, 0.1): [([0.9], 1.0), ([0.9], 4.0), ([0.1], 6.0)], (16, 0.1): [([0.1], 1.0)]}

    assert typical_j(table_of(rows_of(curves), name="t"), 0.9) == {(8, 0.1): pytest.approx(5.0)}
