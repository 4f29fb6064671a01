"""Replayed searches that pause: shared learning curves, energy spent, and drawn seeds."""

import itertools

import pandas as pd
import pytest

from study.search.arms.policy import Policy
from study.search.replay.arms import ArmTable
from study.search.replay.pausing import PausingOutcome, PausingReplay
from study.search.replay.table import ReplayTable, table_of
from study.search.stopping.budget import Budget
from tests.study.replayed import four_setups, rows_of


def limits_table() -> ReplayTable:
    """Return a table of two batch sizes at three power limits, which change only the cost of epochs."""
    curves = {(64, 0.1): [([0.3, 0.7, 0.9], 10.0)], (128, 0.1): [([0.2, 0.4, 0.9], 20.0)]}
    frames = []
    for limit, share in ((100, 0.6), (200, 0.5), (300, 1.0)):
        rows = rows_of(curves).assign(power_limit_w=limit)
        frames.append(rows.assign(epoch_energy_j=rows["epoch_energy_j"] * share))
    return table_of(pd.concat(frames), name="limits")


def searched(
    table: ReplayTable,
    *,
    sharing: bool = True,
    seed: int = 0,
    gpus: int = 1,
    policy: Policy | None = None,
    budget: Budget | None = None,
) -> PausingOutcome:
    """Replay a search for energy to an accuracy of 0.9."""
    arms = ArmTable.of(table, sharing=sharing)
    return PausingReplay(
        table, arms, target=0.9, seed=seed, gpus=gpus, policy=policy, budget=budget
    ).run()


def test_one_training_measures_all_power_limits() -> None:
    """Its first epoch is divided among them, and the others run at the cheapest."""
    outcome = searched(limits_table())

    first = outcome.found[0]
    assert first.choice == (64, 0.1, 200)
    assert first.to_target_j == 15.0
    assert first.spent_j == pytest.approx(10 * (0.6 + 0.5 + 1.0) / 3 + 2 * 5.0)


def test_without_sharing_every_power_limit_is_trained() -> None:
    """This ablation needs six trainings instead of two."""
    alone = searched(limits_table(), sharing=False)

    assert len(searched(limits_table()).trainings) == 2
    assert len(alone.trainings) == 6
    assert alone.found[-1].choice == (64, 0.1, 200)


def test_the_energy_spent_is_the_sum_of_epochs_set_ups_and_lost_attempts() -> None:
    """Each training is set up once if none is resumed, and its lost epochs count once."""
    rows = rows_of({(64, 0.1): [([0.5, 0.9], 2.0)], (256, 0.1): [([0.1, 0.2, 0.3], 2.0)]})
    rows = rows.assign(setup_energy_j=1.5, attempt=2)
    lost = rows[rows["epoch"] == 1].assign(attempt=1, epoch_energy_j=7.0)
    outcome = searched(table_of(pd.concat([lost, rows]), name="set-up"))

    epochs = sum(len(each.gains) for each in outcome.trainings)
    of_a_training = 1.5 + 7.0
    assert len(outcome.trainings) == 2
    assert outcome.spent_j == pytest.approx(2.0 * epochs + of_a_training * len(outcome.trainings))


def test_a_resumed_training_is_set_up_again_but_its_lost_attempts_count_once() -> None:
    """Its lost epochs were spent before it was paused."""
    curves = {
        (64, 0.1): [([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9], 2.0)],
        (128, 0.1): [([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9], 3.0)],
        (256, 0.1): [([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9], 4.0)],
    }
    rows = rows_of(curves).assign(setup_energy_j=1.5, attempt=2)
    lost = rows[rows["epoch"] == 1].assign(attempt=1, epoch_energy_j=1000.0)

    plain = searched(table_of(rows, name="plain"))
    outcome = searched(table_of(pd.concat([lost, rows]), name="lost"))

    epochs_j = sum(each.used_j for each in plain.trainings)
    starts = (plain.spent_j - epochs_j) / 1.5
    assert starts > len(plain.trainings) == len(outcome.trainings)
    assert outcome.spent_j == pytest.approx(plain.spent_j + 1000.0 * len(outcome.trainings))


def test_a_budget_ends_a_search_within_an_epoch() -> None:
    """An epoch needs at most 4 J."""
    outcome = searched(four_setups(), budget=Budget(9.0))

    assert outcome.spent_j < 9.0 + 4.0


@pytest.mark.parametrize("gpus", [1, 3])
def test_the_same_seed_gives_the_same_search(gpus: int) -> None:
    """This holds for one training at a time and for several."""
    one, other = (
        searched(four_setups(), seed=3, gpus=gpus, policy=Policy(sure=0.9)) for _ in range(2)
    )

    assert one.found == other.found
    assert one.spent_j == other.spent_j


def test_each_recorded_seed_is_drawn_once_before_any_is_drawn_again() -> None:
    """Five recorded seeds are drawn in two rounds."""
    rows = rows_of({(64, 0.1): [([0.9], float(n)) for n in range(1, 6)]})
    draws = ArmTable.of(table_of(rows, name="seeds")).draw(7)

    places = [draws.index((64, 0.1), number) for number in range(10)]

    assert sorted(places[:5]) == sorted(places[5:]) == list(range(5))


@pytest.mark.parametrize("seed", range(4))
def test_all_settings_of_an_arm_get_the_same_recorded_seed(seed: int) -> None:
    """Seed `n` is recorded with `n` J per epoch under each of three power limits."""
    rows = rows_of({(64, 0.1): [([0.5, 0.9], float(n)) for n in range(1, 6)]})
    limits = pd.concat([rows.assign(power_limit_w=watts) for watts in (100, 200, 300)])

    first, *_ = searched(table_of(limits, name="limits"), seed=seed).trainings

    assert len(first.first_j) == 3
    assert len(set(first.first_j.values())) == 1


def test_an_incomplete_grid_is_searched_as_it_is() -> None:
    """The table has three setups of four."""
    rows = rows_of(
        {
            setup: [([0.5, 0.9], 1.0)]
            for setup in itertools.islice(itertools.product((64, 128), (0.1, 0.01)), 3)
        }
    )

    assert len(searched(table_of(rows, name="three")).trainings) == 3


@pytest.mark.parametrize("unread", [0.0, float("nan")])
def test_a_recorded_training_may_begin_without_a_reading(unread: float) -> None:
    """Its first epochs count like those with a reading."""
    rows = rows_of({(64, 0.1): [([0.3, 0.7, 0.9], 10.0)], (128, 0.1): [([0.2, 0.4, 0.9], 20.0)]})
    rows.loc[rows["epoch"] == 1, "epoch_energy_j"] = unread

    outcome = searched(table_of(rows, name="gap"))

    assert outcome.found[-1].choice == (64, 0.1)
    assert outcome.found[-1].to_target_j == 30.0
