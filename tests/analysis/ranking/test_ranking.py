"""The energy-aware ranking: examples computed by hand, and properties."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.energy.totals import SetupEnergy
from analysis.ranking.ranking import rank
from tests.analysis.study_folder import setup_energy

SETUPS = st.lists(
    st.tuples(
        st.none() | st.integers(1, 6).map(float),
        st.none() | st.integers(0, 10).map(lambda n: n / 10),
    ),
    min_size=1,
    max_size=12,
).map(lambda pairs: [setup_energy(n, [e], [a]) for n, (e, a) in enumerate(pairs, start=1)])


def test_least_energy_wins_within_the_tolerance() -> None:
    """Of 90, 89.5 and 80 % the second wins; the cheapest is too inaccurate and comes last."""
    best = setup_energy(1, [100.0], [0.90])
    frugal = setup_energy(2, [40.0], [0.895])
    poor = setup_energy(3, [10.0], [0.80])

    ranking = rank([best, frugal, poor])

    assert [row.setup.setup for row in ranking.rows] == [2, 1, 3]
    assert [row.accurate_enough for row in ranking.rows] == [True, True, False]
    assert [round(row.saving_against_best or 0.0, 9) for row in ranking.rows] == [0.6, 0.0, 0.9]
    assert ranking.first is not None
    assert ranking.first.setup is frugal
    assert (best, best) == (ranking.best, ranking.worst)


def test_a_setup_exactly_at_the_tolerance_is_accurate_enough() -> None:
    """In binary floating point, 0.5 - 0.09 exceeds 0.41; the comparison allows for that."""
    setups = [setup_energy(1, [9.0], [0.5]), setup_energy(2, [1.0], [0.41])]

    ranking = rank(setups, tolerance=0.09)

    assert ranking.first is not None
    assert ranking.first.setup.setup == 2


def test_equal_effective_batch_size_and_rate_are_the_same_training() -> None:
    """Setups 1 and 2 name each other; setup 3 names none."""
    twins = [setup_energy(n, [1.0], [0.9], batch_size=990) for n in (1, 2)]
    slower = setup_energy(3, [1.0], [0.9], batch_size=990, learning_rate=0.01)

    rows = {row.setup.setup: row.same_training_as for row in rank([*twins, slower]).rows}

    assert rows == {1: (2,), 2: (1,), 3: ()}


@given(SETUPS)
def test_places_are_for_setups_that_can_be_compared(setups: list[SetupEnergy]) -> None:
    """Places run from 1 without a gap; a setup without an energy or an accuracy has none."""
    rows = rank(setups).rows

    assert sorted(s.setup for s in setups) == sorted(row.setup.setup for row in rows)
    places = [row.place for row in rows if row.place is not None]
    assert list(range(1, len(places) + 1)) == places
    assert all(
        (row.place is None) == (row.setup.total_j is None or row.setup.accuracy is None)
        for row in rows
    )


@given(SETUPS)
def test_the_first_is_the_cheapest_that_is_accurate_enough(setups: list[SetupEnergy]) -> None:
    """No setup within the tolerance of the best needs less energy than the first."""
    ranking = rank(setups, tolerance=0.2)
    top = max((s.accuracy for s in setups if s.accuracy is not None), default=None)
    allowed = [
        s.total_j
        for s in setups
        if s.total_j is not None
        and s.accuracy is not None
        and s.accuracy >= (top or 0) - 0.2 - 1e-6
    ]

    assert (ranking.first.setup.total_j if ranking.first else None) == min(allowed, default=None)


@given(SETUPS)
def test_the_front_is_what_no_other_setup_beats(setups: list[SetupEnergy]) -> None:
    """Brute force over all pairs finds the same Pareto front."""
    known = [(s, s.total_j, s.accuracy) for s in setups]
    points = [(s, e, a) for s, e, a in known if e is not None and a is not None]

    def beaten(energy: float, accuracy: float) -> bool:
        return any(
            e <= energy and a >= accuracy and (e, a) != (energy, accuracy) for _, e, a in points
        )

    expected = {s.setup for s, energy, accuracy in points if not beaten(energy, accuracy)}

    assert expected == {row.setup.setup for row in rank(setups).rows if row.on_front}


def test_setups_outside_the_tolerance_follow_by_accuracy() -> None:
    """Ties in accuracy go by energy; setups without an energy or accuracy come last, by number."""
    setups = [
        setup_energy(1, [None], [0.9]),
        setup_energy(2, [1.0], [0.5]),
        setup_energy(3, [9.0], [0.7]),
        setup_energy(4, [2.0], [0.5]),
        setup_energy(5, [5.0], [0.9]),
        setup_energy(6, [5.0], [0.895]),
        setup_energy(7, [1.0], [None]),
    ]

    rows = rank(setups).rows

    assert [row.setup.setup for row in rows] == [5, 6, 3, 2, 4, 1, 7]
