"""Replayed searches: budget, simulated time and energy spent."""

import itertools
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.errors import OptionError
from study.record.search.goal import SearchGoal
from study.search.proposals import Proposer, SamplerName
from study.search.replay.simulation import ReplayedSearch, Simulation
from study.search.replay.table import ReplayTable, table_of
from study.search.space.space import Range, Space, space_of
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import EarlyStopper, StopDecision
from study.search.stopping.halving import Halving, Rungs
from tests.study.replayed import four_setups, rows_of


def searched(
    table: ReplayTable,
    *,
    budget_j: float | None = None,
    gpus: int = 1,
    seed: int = 0,
    sampler: SamplerName = "grid",
    halving: Halving | None = None,
    capping: bool = True,
) -> ReplayedSearch:
    """Replay a search for energy to an accuracy of 0.9."""
    budget, goal = Budget(budget_j), SearchGoal.ENERGY_TO_TARGET
    return Simulation(
        table,
        proposer=Proposer(table.space, goal=goal, sampler=sampler, seed=seed),
        stopper=EarlyStopper(goal=goal, budget=budget, halving=halving, capping=capping),
        budget=budget,
        goal=goal,
        target=0.9,
        seed=seed,
        gpus=gpus,
        first_rung_j=0.0 if halving is None or halving.first is None else halving.first,
    ).run()


def random_table(seed: int, *, setup_j: float = 0.0, lost: bool = False) -> ReplayTable:
    """Return a table of six setups with random lengths, accuracies and energies.

    With `lost`, half of the trainings lost an attempt after some epochs.
    """
    draw = random.Random(seed)  # noqa: S311 - made-up trainings
    rows = rows_of(
        {
            (size, rate): [
                ([draw.random() for _ in range(draw.randint(1, 12))], draw.uniform(0.5, 5.0))
            ]
            for size, rate in itertools.product((8, 16), (0.1, 0.01, 0.001))
        }
    )
    rows["setup_energy_j"] = setup_j
    rows["trial_id"] = rows["batch_size"].astype(str) + rows["learning_rate"].astype(str)
    rows["attempt"] = 2 if lost else 1
    early = rows[(rows["batch_size"] == 8) & (rows["epoch"] <= draw.randint(1, 4))]
    return table_of(pd.concat([early.assign(attempt=1), rows]) if lost else rows, name="random")


def max_epoch_j(table: ReplayTable) -> float:
    """Return the energy of the costliest epoch."""
    return max(
        epoch.energy_j or 0.0
        for many in table.recordings.values()
        for epoch in (*many[0].lost, *many[0].epochs)
    )


@given(
    seed=st.integers(0, 1000),
    gpus=st.integers(1, 5),
    setup_j=st.sampled_from([0.0, 1.5]),
    lost=st.booleans(),
    budget_j=st.floats(6.0, 60.0),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.slow
def test_the_budget_is_kept_and_every_joule_is_counted(
    seed: int, gpus: int, setup_j: float, budget_j: float, *, lost: bool
) -> None:
    """It is exceeded by at most one epoch per running trial; set-up and lost attempts count, too."""
    table = random_table(seed, setup_j=setup_j, lost=lost)

    search = searched(table, budget_j=budget_j, gpus=gpus, seed=seed, sampler="random")

    assert search.spent_j < budget_j + gpus * max_epoch_j(table)
    used = sum(trial.curve.known_j + trial.overhead_j for trial in search.trials)
    assert search.spent_j == pytest.approx(used)
    assert all(trial.overhead_j >= setup_j for trial in search.trials)


def test_set_up_energy_of_a_new_trial_is_reserved() -> None:
    """A second trial, whose epoch alone would fit, is not begun."""
    table = random_table(0, setup_j=3.0)
    first = next(iter(table.recordings.values()))[0]
    epoch_j = first.epochs[0].energy_j or 0.0
    budget = Budget(2 * (3.0 + epoch_j) - 0.5)
    budget.start("first", first_rung_j=0.0)
    budget.overhead("first", 3.0)
    budget.epoch("first", epoch_j)
    budget.end("first")
    budget.overhead("first", 3.0)

    begun = budget.start("second", first_rung_j=0.0)

    assert not begun
    assert budget.spent_j == 3.0 + epoch_j


def test_a_lost_attempt_is_not_part_of_the_curve() -> None:
    """It counts as overhead, and its epochs do not count."""
    table = random_table(1, lost=True)

    search = searched(table, capping=False)

    again = [trial for trial in search.trials if trial.overhead_j]
    assert {trial.choice[0] for trial in again} == {8}
    assert all(trial.curve.epochs == len(table.recordings[trial.choice][0]) for trial in again)
    assert search.spent_j == pytest.approx(table.grid_j)


@given(seed=st.integers(0, 1000), gpus=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
@pytest.mark.slow
def test_more_gpus_take_no_longer(seed: int, gpus: int) -> None:
    """Without early stopping, time x GPUs is at least the time of all epochs."""
    table = random_table(seed)

    search = searched(table, gpus=gpus, capping=False)

    work_s = sum(len(many[0]) for many in table.recordings.values())
    assert search.duration_s <= work_s
    assert search.duration_s * gpus >= work_s


def test_a_trial_ends_at_the_target_or_when_it_costs_more() -> None:
    """The best of four setups is found without training any to its end."""
    search = searched(four_setups())

    ended = {trial.choice: (trial.decision, trial.curve.epochs) for trial in search.trials}
    assert ended[64, 0.01] == (StopDecision.TARGET, 2)
    assert ended[256, 0.01][0] is StopDecision.CAPPED
    assert ended[256, 0.1] == (StopDecision.CAPPED, 1)


def test_without_caps_everything_is_trained() -> None:
    """A grid without early stopping needs the energy of the whole table."""
    table = four_setups()

    search = searched(table, capping=False)

    assert search.spent_j == pytest.approx(table.grid_j)
    assert not any(trial.curve.stopped for trial in search.trials)


def test_setups_that_were_not_run_are_listed() -> None:
    """Every setup either has a trial or is in the list."""
    table = four_setups()

    search = searched(table, budget_j=5.0)

    tried = {trial.choice for trial in search.trials}
    assert search.not_run
    assert tried | set(search.not_run) == set(table.recordings)
    assert not tried & set(search.not_run)


def test_no_trial_begins_that_cannot_reach_its_first_rung() -> None:
    """With less energy left than the rung at 4 J, no further trial begins."""
    table = four_setups()
    halving = Halving(rungs=Rungs.ENERGY, first=4.0)

    search = searched(table, budget_j=11.0, halving=halving, capping=False)

    assert len(search.trials) == 1


def test_a_budget_below_one_epoch_is_refused() -> None:
    """The error comes before anything is run, and has both energies."""
    with pytest.raises(OptionError, match=r"cheapest epoch of four needs"):
        searched(four_setups(), budget_j=1.0)


def test_missing_accuracies_and_energies_do_not_block_a_search() -> None:
    """Such a trial has no value for Optuna, and the search continues to its end."""
    rows = rows_of({(8, 0.1): [([0.5, 0.9], 1.0)], (8, 0.01): [([0.5, 0.9], 1.0)]})
    rows.loc[:1, ["val_score", "epoch_energy_j"]] = float("nan")

    search = searched(table_of(rows, name="gaps"))

    assert len(search.trials) == 2
    assert [t.curve.energy_j for t in search.trials].count(None) == 1


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "gp", "random", "grid"])
def test_a_setup_is_trained_once(sampler: SamplerName) -> None:
    """With any sampler, a search over 12 setups ends after 12 different trials.

    Samplers draw the first ten at random, so that only two are really proposed by them.
    """
    sizes, rates = (8, 16, 32, 64), (0.1, 0.01, 0.001)
    curves = {(s, r): [([0.5, 0.9], s + r)] for s in sizes for r in rates}

    search = searched(table_of(rows_of(curves), name="12"), sampler=sampler, capping=False)

    assert len({trial.choice for trial in search.trials}) == len(search.trials) == 12


def test_proposals_outside_the_table_get_its_nearest_setup() -> None:
    """A setup that is proposed again costs nothing; proposals that were replaced are counted."""
    table = four_setups()
    sizes = Range(name="batch_size", low=32, high=512, log=True, whole=True)
    rates = Range(name="learning_rate", low=0.005, high=0.2, log=True, whole=False)
    space, goal, budget = Space(axes=(sizes, rates)), SearchGoal.ENERGY_TO_TARGET, Budget()

    search = Simulation(
        table,
        proposer=Proposer(space, goal=goal, sampler="random", seed=0),
        stopper=EarlyStopper(goal=goal, budget=budget, capping=False),
        budget=budget,
        goal=goal,
        target=0.9,
        space=space,
    ).run()

    assert {trial.choice for trial in search.trials} == set(table.recordings)
    assert search.spent_j == pytest.approx(table.grid_j)
    assert search.snapped > len(search.trials)
    assert search.refused == 0


def test_proposals_with_an_unknown_category_are_refused() -> None:
    """An optimizer that is not in the table has no nearest one."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0)], (16, 0.1): [([0.5], 1.0)]})
    table = table_of(rows.assign(optimizer=["adam", "adamw"]), name="two")
    space = space_of({"batch_size": (8, 16), "learning_rate": (0.1,), "optimizer": ("adam", "sgd")})
    goal, budget = SearchGoal.ENERGY_TO_TARGET, Budget()

    search = Simulation(
        table,
        proposer=Proposer(space, goal=goal, sampler="random", seed=0),
        stopper=EarlyStopper(goal=goal, budget=budget),
        budget=budget,
        goal=goal,
        target=0.9,
        space=space,
    ).run()

    assert [trial.choice for trial in search.trials] == [(8, 0.1, "adam")]
    assert search.refused == 3
