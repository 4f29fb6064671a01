"""Table of energy and time per epoch under several power limits, as trainings measured them in their first epochs."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.energy.spread import Spread
from analysis.findings import Findings
from analysis.forms.cells import (
    TableColumn,
    TableInfo,
    number_cell,
    setup_cells,
    setup_columns,
    word_cell,
)
from analysis.forms.table_unit import TableUnit

_CHOSEN = "●"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCost:
    """Energy and time of a setup's epoch under a power limit.

    Attributes:
        setup: Number of the setup.
        power_limit_w: The power limit.
        epoch_j: Energy of one pass over the training samples, over the trainings; None if unknown.
        epoch_s: Time of one pass over the training samples, over the trainings; None if unknown.
        chosen: Number of trainings that continued under this limit.
        trials: Number of trainings that measured this limit.
    """

    setup: int
    power_limit_w: float
    epoch_j: Spread | None
    epoch_s: Spread | None
    chosen: int
    trials: int


def limit_costs(findings: Findings) -> tuple[LimitCost, ...]:
    """Return the cost of each measured power limit, by setup and limit; empty if none was measured."""
    samples = findings.study.manifest.data.train_samples
    found: defaultdict[tuple[int, float], list[tuple[Mapping[str, Any], bool]]] = defaultdict(list)
    for setup, text in _profiles(findings):
        measured = json.loads(text)
        best = min(measured, key=_sample_j)
        for each in measured:
            found[setup, each["power_limit_w"]].append((each, each is best))
    return tuple(
        LimitCost(
            setup=setup,
            power_limit_w=limit_w,
            epoch_j=Spread.of(_per_epoch(each["energy_j"], each, samples) for each, _ in told),
            epoch_s=Spread.of(_per_epoch(each["time_s"], each, samples) for each, _ in told),
            chosen=sum(is_best for _, is_best in told),
            trials=len(told),
        )
        for (setup, limit_w), told in sorted(found.items(), key=lambda each: each[0])
    )


def power_limits_info(findings: Findings) -> TableInfo | None:
    """Return the table of energy and time per epoch under each limit; None if none was measured."""
    costs = limit_costs(findings)
    if not costs:
        return None
    facts = {each.setup: each for each in findings.study.manifest.setups}
    setups = list(facts.values())
    unit = TableUnit.of(
        (None if each.epoch_j is None else each.epoch_j.mean for each in costs), findings.unit
    )
    return TableInfo(
        name="power_limits",
        title=findings.staged("Power limits: what an epoch's training costs"),
        columns=(
            *setup_columns(setups),
            TableColumn(key="power_limit_w", heading="limit, W"),
            TableColumn(key="epoch_wh", heading=f"{unit.name}/epoch"),
            TableColumn(key="epoch_s", heading="s/epoch"),
            TableColumn(key="trials", heading="n"),
            TableColumn(key="chosen", heading="chosen"),
        ),
        rows=tuple(
            (
                *setup_cells(facts[each.setup], setups),
                number_cell(each.power_limit_w, 0),
                unit.cell(None if each.epoch_j is None else each.epoch_j.mean),
                number_cell(None if each.epoch_s is None else each.epoch_s.mean, 2),
                word_cell(each.trials),
                word_cell(_CHOSEN if 2 * each.chosen > each.trials else ""),
            )
            for each in costs
        ),
        legend=(
            "measured in slices of the first epochs, without validation; n trainings; "
            f"{_CHOSEN} most of them went on under it"
        ),
    )


def _profiles(findings: Findings) -> Sequence[tuple[int, str]]:
    """Return the setup and the latest power profile (JSON text) of each training."""
    epochs = findings.study.epochs
    if "power_profile" not in epochs.columns:
        return []
    told = epochs.dropna(subset="power_profile").sort_values(["attempt", "epoch"])
    last = told.drop_duplicates(["trial_id", "stage"], keep="last")
    return [
        (int(setup), text) for setup, text in zip(last["setup"], last["power_profile"], strict=True)
    ]


def _sample_j(measured: Mapping[str, Any]) -> float:
    known = measured["energy_j"] and measured["samples"]
    return measured["energy_j"] / measured["samples"] if known else float("inf")


def _per_epoch(
    value: float | None, measured: Mapping[str, Any], samples: int | None
) -> float | None:
    """Scale a measured value to all training samples; None if it or a number of samples is unknown."""
    if value is None or samples is None or not measured["samples"]:
        return None
    whole: float = value * samples / measured["samples"]
    return whole
