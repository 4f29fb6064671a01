"""The setups of a study, and the order and identifiers of its trials."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.options import StudyOptions
from study.store.setups import TrialPlan, grid, trial_plans
from tests.study.rows import plan

TABLE_1 = {
    1: (64, 0.1),
    2: (64, 0.01),
    3: (64, 0.001),
    4: (64, 0.0001),
    5: (256, 0.1),
    6: (256, 0.01),
    7: (256, 0.001),
    8: (256, 0.0001),
    9: (1024, 0.1),
    10: (1024, 0.01),
    11: (1024, 0.001),
    12: (1024, 0.0001),
    13: (4096, 0.1),
    14: (4096, 0.01),
    15: (4096, 0.001),
    16: (4096, 0.0001),
}
"""The paper's Table 1: number, batch size, learning rate."""


def test_the_default_setups_are_the_papers_table_1() -> None:
    """Batch size outer, learning rate inner, numbered from 1 to 16."""
    options = StudyOptions()

    setups = grid(options.batch_sizes, options.learning_rates)

    assert {each.setup: (each.batch_size, each.learning_rate) for each in setups} == TABLE_1
    assert len(setups) == 16


def test_every_setup_runs_once_with_every_seed() -> None:
    """Each repeat has all setups; every trial has its own identifier and folder."""
    setups = grid((64, 256, 1024, 4096), (0.1, 0.01, 0.001, 0.0001))

    plans = trial_plans(setups, (7, 8), shuffle_seed=0)

    assert [each.seed for each in plans] == [7] * 16 + [8] * 16
    for repeat in (plans[:16], plans[16:]):
        assert {each.setup: (each.batch_size, each.learning_rate) for each in repeat} == TABLE_1
    assert len({each.trial_id for each in plans}) == 32
    assert len({each.folder for each in plans}) == 32


def test_each_repeat_has_an_order_of_its_own() -> None:
    """A setup's place in the order changes, so that no setup always runs on a cold device."""
    setups = grid((64, 256, 1024, 4096), (0.1, 0.01, 0.001, 0.0001))

    plans = trial_plans(setups, (0, 1), shuffle_seed=0)

    first, second = ([each.setup for each in part] for part in (plans[:16], plans[16:]))
    assert first != sorted(first)
    assert first != second


@given(seed=st.integers(0, 1000))
def test_the_order_follows_from_the_seed_alone(seed: int) -> None:
    """The same seed gives the same order, whatever else draws random numbers."""
    setups = grid((1, 2), (0.1, 0.01, 0.001))

    first = trial_plans(setups, (0, 1), shuffle_seed=seed)
    random.random()  # noqa: S311 - a draw by other code
    second = trial_plans(setups, (0, 1), shuffle_seed=seed)

    assert first == second


def test_other_seeds_give_other_orders() -> None:
    """The order depends on the seed: 20 seeds give more than 10 orders."""
    setups = grid((1, 2), (0.1, 0.01, 0.001))

    orders = {
        tuple(each.setup for each in trial_plans(setups, (0,), shuffle_seed=seed))
        for seed in range(20)
    }

    assert len(orders) > 10


@pytest.mark.parametrize("energy_before_j", [0.0, 12.5, None])
def test_a_plan_survives_tunes_configuration(energy_before_j: float | None) -> None:
    """A plan that Tune carries as a configuration comes back equal."""
    expected = plan(3, 1).again(attempt=2, energy_before_j=energy_before_j)

    again = TrialPlan.from_config(expected.to_config())

    assert expected == again
    assert (again.trial_id, again.attempt) == (plan(3, 1).trial_id, 2)


def test_a_later_attempt_has_a_folder_of_its_own() -> None:
    """TensorBoard then shows both attempts, and neither overwrites the other."""
    first = plan(3)

    second = first.again(attempt=2, energy_before_j=1.0)

    assert first.folder == "setup03-seed0_batch64_rate0.1"
    assert second.folder == "setup03-seed0_batch64_rate0.1_attempt2"
