"""Curves of a study in TensorBoard: tags, units, descriptions and charts."""

import json
from typing import Any

from study.execution.live.tensorboard_tags import SIDE_BY_SIDE, Tags
from study.record.files import MWH, WH
from study.record.objective import ACCURACY, Objective
from tests.study.rows import epoch


def tags(**changes: Any) -> Tags:  # noqa: ANN401 - any field
    """Tags of a study with measured energies in mWh."""
    return Tags(**{"objective": ACCURACY, "unit": MWH, "estimated": False, **changes})


def curves(found: Tags, **row: Any) -> dict[str, tuple[float, str]]:  # noqa: ANN401 - any column
    """Values and descriptions of an epoch of 36 J, by tag."""
    points = found.points({**epoch(1, 36.0, 0.25).to_row(), **row})
    return {each.tag: (each.value, each.description) for each in points}


def test_constants_of_a_trial_are_no_curves() -> None:
    """Batch size and learning rate are hyper-parameters; attempt and seed do not change over epochs."""
    found = curves(tags())

    assert {tag.split("/")[0] for tag in found} == {"objective", "energy", "loss", "speed"}


def test_a_share_is_in_percent_and_energies_in_the_unit_of_the_study() -> None:
    """All energies have the same unit, which is part of the tag."""
    small, large = curves(tags()), curves(tags(unit=WH))

    assert small["objective/accuracy_percent"][0] == 25.0
    assert small["energy/epoch_mwh"][0] == 10.0
    assert large["energy/epoch_wh"][0] == 0.01


def test_each_curve_is_described_and_estimates_are_labelled() -> None:
    """Curves of energy and power say so if they are estimates, and others do not."""
    found = curves(tags(estimated=True), mean_power_w=18.0)

    assert all(description for _, description in found.values())
    assert found["energy/epoch_mwh"][1].endswith("in mWh (estimated, not measured)")
    assert found["power/mean_w"][1].endswith("(estimated, not measured)")
    assert "estimated" not in found["loss/validation"][1]


def test_components_are_curves_if_there_are_several() -> None:
    """A single component would repeat the energy that ranks."""
    one = curves(tags(), gpu_energy_j=36.0)
    two = curves(tags(), gpu_energy_j=36.0, cpu_energy_j=3.6)

    assert not any(tag.startswith("energy/part_") for tag in one)
    assert two["energy/part_cpu_mwh"][0] == 1.0


def test_an_estimated_component_is_labelled_beside_a_measured_one() -> None:
    """A board's counter ranks, and the estimate of the CPU is labelled in curve and chart."""
    mixed = tags(estimated_components={"cpu"})
    found = curves(mixed, gpu_energy_j=36.0, cpu_energy_j=3.6)
    charts = mixed.layout(tasks=(), components=("cpu", "gpu"))["Energy by component"]

    assert found["energy/part_cpu_mwh"][1].endswith("in mWh (estimated, not measured)")
    assert "estimated" not in found["energy/part_gpu_mwh"][1]
    assert list(charts) == [
        "Energy of an epoch, mWh: the CPU (estimated)",
        "Energy of an epoch, mWh: the GPU",
    ]


def test_unknown_values_are_no_points() -> None:
    """None and NaN are left out instead of drawn as 0."""
    found = curves(tags(), epoch_energy_j=None, energy_j=None, val_loss=float("nan"))

    assert not any(tag.startswith("energy/") for tag in found)
    assert "loss/validation" not in found


def test_other_metrics_and_tasks_are_curves_of_their_own() -> None:
    """A task's objective has the objective's unit; the objective itself is not repeated."""
    metrics = json.dumps({"accuracy": 0.25, "identity/accuracy": 0.5, "rmse": 0.1})

    found = curves(tags(), val_metrics=metrics)

    own = {tag: value for tag, (value, _) in found.items() if tag.startswith("metric/")}
    assert own == {"metric/identity/accuracy_percent": 50.0, "metric/rmse": 0.1}


def test_the_layout_has_accuracy_energy_and_power_side_by_side() -> None:
    """Charts refer to the tags as written, and their titles have units."""
    page = tags(estimated=True).layout(tasks=(), components=("gpu",))

    side = page[SIDE_BY_SIDE]
    assert list(side) == [
        "Validation accuracy, %",
        "Energy of an epoch, mWh (estimated)",
        "Mean power of an epoch, W (estimated)",
    ]
    assert [chart[1] for chart in side.values()] == [
        ["^objective/accuracy_percent$"],
        ["^energy/epoch_mwh$"],
        ["^power/mean_w$"],
    ]
    assert list(page) == [SIDE_BY_SIDE, "Energy so far, and losses"]


def test_components_and_tasks_have_charts_if_there_are_several() -> None:
    """Each of several components and tasks has a chart of its own."""
    page = tags(objective=Objective("rmse", "min")).layout(
        tasks=("age", "pose"), components=("cpu", "gpu")
    )

    assert list(page["Energy by component"]) == [
        "Energy of an epoch, mWh: the CPU",
        "Energy of an epoch, mWh: the GPU",
    ]
    assert page["Each task"]["rmse: pose"][1] == ["^metric/pose/rmse$"]
