"""Setups from the configurations of Tune trials, and rows from their results."""

from typing import Any

import numpy as np
import pytest
import torch

from study.record.objective import Objective
from study.record.records import EpochRecord
from study.record.tune_rows import SetupNumbers, epoch_record
from study.record.vocabulary import EnergyMethod, EnergyStatus, StopReason

OBJECTIVE = Objective("val_loss", "min")


def record(book: SetupNumbers, result: dict[str, Any], config: dict[str, Any]) -> EpochRecord:
    """Return the row of a result of trial `t`."""
    return epoch_record(
        {"training_iteration": 1, **result},
        book.plan("t", config),
        study="mine",
        scenario="train",
        objective=OBJECTIVE,
        energy_before_j=10.0,
        stop_reason=StopReason.MAX_EPOCHS,
    )


@pytest.mark.parametrize(
    "config",
    [
        {"batch_size": 8, "learning_rate": 0.1, "depth": 3},
        {"bs": 8, "lr": 0.1, "depth": 3},
        {"data": {"batch_size": 8}, "optimizer": {"lr": 0.1}, "depth": 3},
    ],
)
def test_batch_size_and_learning_rate_are_found(config: dict[str, Any]) -> None:
    """They are found under their usual names, nested or not; the rest are parameters."""
    book = SetupNumbers(seed_key="seed")

    book.plan("a", config)

    (setup,) = book.setups
    assert (setup.batch_size, setup.learning_rate, setup.parameters) == (8, 0.1, {"depth": 3})


def test_numbers_of_numpy_and_torch_are_accepted() -> None:
    """They may be in a configuration, such as one from a numpy grid, or in a result."""
    book = SetupNumbers(seed_key="seed")
    config = {"batch_size": np.int64(8), "lr": np.float32(0.5), "seed": np.int64(7)}

    row = record(book, {"val_loss": np.float32(0.25), "a": {"b": torch.tensor(2.0)}}, config)

    assert (row.batch_size, row.learning_rate, row.seed, row.parameters) == (8, 0.5, 7, None)
    assert (row.val_score, row.val_loss) == (0.25, 0.25)
    assert row.val_metrics == '{"a/b": 2.0, "val_loss": 0.25}'


def test_axes_missing_from_a_configuration_are_none() -> None:
    """A batch size that is not given is None, not a default."""
    book = SetupNumbers(seed_key="seed")

    setup = book.plan("a", {"depth": 3}).setup

    assert (setup.batch_size, setup.learning_rate, setup.parameters) == (None, None, {"depth": 3})


def test_a_seed_is_not_part_of_the_setup() -> None:
    """Two trials that differ only in their seed are repeats."""
    book = SetupNumbers(seed_key="random_state")

    plans = [
        book.plan(trial, {"lr": 0.1, "random_state": seed}) for trial, seed in (("a", 7), ("b", 9))
    ]

    assert [(plan.setup.setup, plan.seed) for plan in plans] == [(1, 7), (1, 9)]


def test_repeats_without_a_seed_are_numbered() -> None:
    """Trials of `num_samples` are such repeats."""
    book = SetupNumbers(seed_key="seed")

    plans = [book.plan(trial, {"lr": 0.1}) for trial in "abc"]

    assert [plan.seed for plan in plans] == [0, 1, 2]


def test_a_trial_keeps_its_plan() -> None:
    """PBT may change its configuration later."""
    book = SetupNumbers(seed_key="seed")
    first = book.plan("a", {"lr": 0.1})

    assert book.plan("a", {"lr": 0.2}) is first


def test_a_value_without_a_json_form_becomes_text() -> None:
    """A class or an infinite number in a configuration is a parameter like others."""
    book = SetupNumbers(seed_key="seed")

    book.plan("a", {"lr": 0.1, "act": int, "limit": float("inf")})

    assert book.setups[0].parameters == {"act": str(int), "limit": "inf"}


def test_every_reported_number_is_kept_as_a_metric() -> None:
    """Tune's own columns and ours are not metrics."""
    book = SetupNumbers(seed_key="seed")

    row = record(
        book,
        {
            "val_loss": 0.5,
            "eval": {"f1": 0.25},
            "time_total_s": 3.0,
            "done": True,
            "note": "good",
            "epoch_energy_j": 2.0,
            "energy_wh": 1.0,
            "energy_method": "counter",
            "energy": {"attempt": 2, "status": "ok", "epoch_time_s": 4.0, "coverage": 1.0},
        },
        {"lr": 0.1},
    )

    assert row.val_metrics == '{"eval/f1": 0.25, "val_loss": 0.5}'
    assert row.val_score == 0.5
    assert (row.attempt, row.epoch_energy_j, row.energy_j) == (2, 2.0, 12.0)
    assert (row.energy_method, row.energy_status) == (EnergyMethod.COUNTER, EnergyStatus.OK)
    assert row.epoch_time_s == 4.0


def test_a_result_without_energy_has_a_missing_energy() -> None:
    """It is None, never 0."""
    row = record(SetupNumbers(seed_key="seed"), {"val_loss": float("nan")}, {"lr": 0.1})

    assert row.epoch_energy_j is None
    assert row.energy_status is EnergyStatus.MISSING
    assert row.val_score is None


def test_an_energy_of_the_users_own_is_a_metric() -> None:
    """A metric may be named `energy`, like our column, for example a molecule's energy."""
    row = record(SetupNumbers(seed_key="seed"), {"val_loss": 0.5, "energy": -76.4}, {"lr": 0.1})
    nested = record(SetupNumbers(seed_key="seed"), {"energy": {"kinetic": 2.0}}, {"lr": 0.1})

    assert row.val_metrics == '{"energy": -76.4, "val_loss": 0.5}'
    assert nested.val_metrics == '{"energy/kinetic": 2.0}'
    assert row.energy_status is EnergyStatus.MISSING


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1.0, "2 s", None, True])
def test_an_invalid_amount_is_missing(odd: object) -> None:
    """Any result gives a row, and no exception disturbs the user's run."""
    result = {"time_this_iter_s": odd, "epoch_energy_j": odd, "mean_power_w": odd}

    row = record(SetupNumbers(seed_key="seed"), {**result, "energy_method": "guessed"}, {"lr": 0.1})

    assert (row.epoch_energy_j, row.mean_power_w, row.energy_method) == (None, None, None)
    assert row.epoch_time_s == 0.0


@pytest.mark.parametrize(
    "config",
    [
        {"batch_size": 0.5, "lr": 0},
        {"batch_size": True, "lr": float("nan")},
        {"batch_size": "auto", "lr": float("inf"), "seed": 2**70},
    ],
)
def test_an_invalid_batch_size_is_a_parameter(config: dict[str, object]) -> None:
    """So is an invalid learning rate; an invalid seed is ignored."""
    book = SetupNumbers(seed_key="seed")

    plan = book.plan("a", config)

    assert (plan.setup.batch_size, plan.setup.learning_rate, plan.seed) == (None, None, 0)
    assert {"batch_size", "lr"} <= set(plan.setup.parameters)


def test_an_objects_address_is_not_part_of_its_setup() -> None:
    """Otherwise repeats in different processes would count as different setups."""
    book = SetupNumbers(seed_key="seed")

    plans = [
        book.plan("a", {"lr": 0.1, "act": object()}),
        book.plan("b", {"lr": 0.1, "act": "<object object at 0x7f00dead>"}),
        book.plan("c", {"lr": 0.1, "act": "<object object at 0x7f00beef>"}),
    ]

    assert [plan.setup.setup for plan in plans] == [1, 1, 1]
    assert book.setups[0].parameters == {"act": "<object object>"}
