"""A Tune trial in the words of a study: its configuration as a setup and a seed, its results as rows.

For `study.instrument`, which records a run, and `analysis`, which imports one that was not recorded.
"""

import json
import math
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from study.record.manifest import DataFacts, Manifest, SetupFacts
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import EnergyMethod, EnergyScope, EnergyStatus, Paradigm, StopReason

BATCH_SIZE_KEYS = ("batch_size", "bs", "train_batch_size", "per_device_train_batch_size")
LEARNING_RATE_KEYS = ("learning_rate", "lr")
"""What configurations call the two axes that every setup has."""

STAGE = "training"
"""Stage of every epoch of a trainable that was not written for this package."""

SEED_KEY = "seed_key"
"""Option in the manifest of a run of Tune, and of no other: who made the trainable knows why trainings end."""

_PLACE_IN_MEMORY = re.compile(r" at 0x[0-9a-fA-F]+")

TUNES_OWN = frozenset(
    {
        *("date", "timestamp", "time_this_iter_s", "time_total_s", "pid", "hostname", "node_ip"),
        *("config", "time_since_restore", "iterations_since_restore", "training_iteration"),
        *("done", "trial_id", "experiment_tag", "should_checkpoint", "checkpoint_dir_name"),
        *("epoch_energy_j", "energy_wh", "energy_method", "energy_status", "mean_power_w"),
        "energy",
    }
)
"""Columns of a result that the user did not report."""


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by names such as `optimizer/lr`."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}/")
        else:
            found[f"{prefix}{name}"] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TunePlan:
    """A trial of Tune as a study has it.

    Attributes:
        trial_id: Tune's own.
        setup: Its setup.
        seed: That of its configuration, or its number among the repeats of the setup.
    """

    trial_id: str
    setup: SetupFacts
    seed: int

    @property
    def parameters(self) -> str | None:
        """Values of the setup besides, as in `EpochRecord`."""
        return _as_text(self.setup.parameters)


@final
@dataclass(slots=True, kw_only=True)
class SetupNumbers:
    """Numbers distinct configurations, and tells their repeats apart.

    Attributes:
        seed_key: Key of the configuration in which repeats of a setup differ.
        setups: Those so far.
    """

    seed_key: str
    setups: list[SetupFacts] = field(default_factory=list)
    _plans: dict[str, TunePlan] = field(default_factory=dict)

    def plan(self, trial_id: str, config: Mapping[str, Any]) -> TunePlan:
        """Return a trial's plan; the same for each call with its identifier."""
        known = self._plans.get(trial_id)
        if known is not None:
            return known
        setup, seed = self.choice(config)
        taken = {plan.seed for plan in self._plans.values() if plan.setup == setup}
        plan = TunePlan(
            trial_id=trial_id,
            setup=setup,
            seed=_next_seed(taken) if seed is None or seed in taken else seed,
        )
        self._plans[trial_id] = plan
        return plan

    def choice(self, config: Mapping[str, Any]) -> tuple[SetupFacts, int | None]:
        """Return the setup of a configuration, which has a number from now on, and its seed if it names one."""
        values = flat(config)
        seed: Any = as_json(values.pop(self.seed_key, None))
        is_number = isinstance(seed, int) and not isinstance(seed, bool) and abs(seed) < 2**63
        return self._setup(values), int(seed) if is_number else None

    def known(self, record: TrialRecord) -> TunePlan:
        """Return the plan of a trial of an earlier session, whose setup is among those given."""
        setup = next(each for each in self.setups if each.setup == record.setup)
        plan = TunePlan(trial_id=record.trial_id, setup=setup, seed=record.seed)
        self._plans[record.trial_id] = plan
        return plan

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds of trials, or their numbers among the repeats."""
        return tuple(sorted({plan.seed for plan in self._plans.values()})) or (0,)

    def _setup(self, values: dict[str, Any]) -> SetupFacts:
        batch_size = _taken(values, BATCH_SIZE_KEYS, least=1)
        learning_rate = _taken(values, LEARNING_RATE_KEYS, least=sys.float_info.min)
        parameters = {name: as_json(value) for name, value in sorted(values.items())}
        for each in self.setups:
            same = (each.batch_size, each.learning_rate) == (batch_size, learning_rate)
            if same and each.parameters == parameters:
                return each
        made = SetupFacts(
            setup=len(self.setups) + 1,
            batch_size=None if batch_size is None else int(batch_size),
            learning_rate=learning_rate,
            parameters=parameters,
        )
        self.setups.append(made)
        return made


def _taken(values: dict[str, Any], keys: Sequence[str], *, least: float) -> float | None:
    """Take an axis out of the values, be it nested; None where they have none."""
    for place in [each for key in keys for each in values if each.split("/")[-1] == key]:
        number = number_of(values[place])
        if number is not None and number >= least:
            del values[place]
            return number
    return None


def epoch_record(
    result: Mapping[str, Any],
    plan: TunePlan,
    *,
    study: str,
    scenario: str,
    objective: Objective,
    energy_before_j: float | None,
    stop_reason: StopReason | None,
) -> EpochRecord:
    """Return the row of one result of a measured trainable.

    Args:
        result: As Tune has it; without the energy columns its energy is missing.
        plan: The trial.
        study: Name of the run.
        scenario: Name of the trainable.
        objective: Names the metric that decides.
        energy_before_j: Of the attempt's epochs so far; None if one is missing.
        stop_reason: Why the trial ends with it; None if it goes on.
    """
    energy = energy_in(result)
    not_theirs = TUNES_OWN if energy else TUNES_OWN - {"energy"}
    theirs = {name: value for name, value in result.items() if name not in not_theirs}
    epoch_j = _amount(result.get("epoch_energy_j"))
    numbers = {name: number_of(value) for name, value in flat(theirs).items()}
    metrics = {name: number for name, number in numbers.items() if number is not None}
    method = result.get("energy_method")
    return EpochRecord(
        study=study,
        trial_id=plan.trial_id,
        attempt=int(energy.get("attempt", 1)),
        node=str(result.get("hostname") or ""),
        device_uuid=energy.get("device_uuid") or "",
        device_name=energy.get("device_name") or "",
        paradigm=Paradigm.REGIME,
        scenario=scenario,
        stage=STAGE,
        setup=plan.setup.setup,
        batch_size=plan.setup.batch_size,
        effective_batch_size=plan.setup.batch_size,
        learning_rate=plan.setup.learning_rate,
        seed=plan.seed,
        epoch=int(result["training_iteration"]),
        train_loss=metrics.get("train_loss"),
        val_loss=metrics.get("val_loss"),
        val_score=metrics.get(objective.name),
        val_metrics=_as_text(metrics),
        epoch_time_s=_amount(energy.get("epoch_time_s"))
        or _amount(result.get("time_this_iter_s"))
        or 0.0,
        epoch_energy_j=epoch_j,
        energy_j=None if epoch_j is None or energy_before_j is None else energy_before_j + epoch_j,
        mean_power_w=_amount(result.get("mean_power_w")),
        gpu_energy_j=energy.get("gpu_energy_j"),
        cpu_energy_j=energy.get("cpu_energy_j"),
        memory_energy_j=energy.get("memory_energy_j"),
        node_energy_j=energy.get("node_energy_j"),
        energy_method=EnergyMethod(method) if method in set(EnergyMethod) else None,
        energy_status=_status(energy.get("status"), epoch_j),
        coverage=float(energy.get("coverage", 0.0)),
        uncertainty_j=_root(energy.get("uncertainty_common_j"), energy.get("uncertainty_own_j")),
        uncertainty_common_j=energy.get("uncertainty_common_j"),
        uncertainty_own_j=energy.get("uncertainty_own_j"),
        power_samples=int(energy.get("power_samples", 0)),
        samples_per_s=None,
        peak_memory_bytes=None,
        stop_reason=stop_reason,
        parameters=plan.parameters,
        shared_by=energy.get("shared_by"),
    )


def run_manifest(
    name: str,
    scenario: str,
    book: SetupNumbers,
    objective: Objective,
    *,
    started_at: str,
    command: tuple[str, ...] = (),
    versions: Mapping[str, str] | None = None,
) -> Manifest:
    """Return the manifest of a Tune run, as far as its configurations tell.

    Args:
        name: Of the run.
        scenario: Name of the trainable.
        book: Has the setups.
        objective: Metric that decides.
        started_at: Wall time, ISO 8601 with zone.
        command: That of the program that ran it.
        versions: Of what it ran with.
    """
    return Manifest(
        study=name,
        paradigm=Paradigm.REGIME,
        scenario=scenario,
        status="running",
        started_at=started_at,
        finished_at=None,
        setup_time_s=None,
        command=command,
        options={SEED_KEY: book.seed_key},
        versions=dict(versions or {}),
        git_commit=None,
        data=DataFacts(
            synthetic=False,
            description=f"what {scenario} trains on",
            fingerprint=scenario,
            train_samples=None,
            val_samples=None,
            classes=(),
            chance_accuracy=None,
        ),
        setups=tuple(book.setups),
        seeds=book.seeds,
        nodes=(),
        warnings=(),
        stages=(STAGE,),
        objective=objective,
    )


def ranking_scope(measured: Collection[str]) -> EnergyScope:
    """Return the energy that trainables are ranked by: of accelerators, where there are any.

    Args:
        measured: The components of which anything is measured; empty where that is not known.
    """
    if "gpu" in measured or not measured:
        return EnergyScope.ACCELERATOR
    return EnergyScope.NODE if set(measured) == {"node"} else EnergyScope.COMPONENTS


def energy_in(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what `measured` says of a result's energy; empty where it was not measured.

    A user may report an `energy` of another kind, that of a molecule.
    """
    told = result.get("energy")
    return told if isinstance(told, Mapping) and "status" in told else {}


def number_of(value: object) -> float | None:
    """Return a value as a finite number; None where it is none: a word, an array, nothing.

    >>> number_of(1), number_of("1"), number_of(float("nan")), number_of([1.0])
    (1.0, None, None, None)
    """
    number = float_of(value)
    return number if number is not None and math.isfinite(number) else None


def float_of(value: object) -> float | None:
    """Return a value as a float, NaN and infinity too; None where it is no number, as yes and no."""
    if value is None or isinstance(value, bool | str | bytes) or getattr(value, "ndim", None):
        return None
    try:
        return float(getattr(value, "detach", lambda: value)())  # type: ignore[arg-type]  # whatever it is
    except Exception:  # noqa: BLE001 - an object of the user's may raise anything
        return None


def _amount(value: object) -> float | None:
    """Return what may be an amount: a number from 0 on; None for anything else that a result may hold."""
    number = number_of(value)
    return number if number is not None and number >= 0 else None


def _status(word: object, epoch_j: float | None) -> EnergyStatus:
    """Return the status that a result tells, where it goes with its energy."""
    if epoch_j is None:
        return EnergyStatus.MISSING
    return EnergyStatus.DEGRADED if word == EnergyStatus.DEGRADED else EnergyStatus.OK


def _as_text(values: Mapping[str, Any]) -> str | None:
    return json.dumps(values, sort_keys=True) if values else None


def _next_seed(taken: set[int]) -> int:
    return next(number for number in range(len(taken) + 1) if number not in taken)


def as_json(value: object) -> object:
    """A value of a configuration as JSON has it.

    Objects are known by their text without their place in memory, which is another in each process.
    """
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        plain = as_json(value.item()) if getattr(value, "ndim", None) == 0 else str(value)  # type: ignore[attr-defined]
    return _PLACE_IN_MEMORY.sub("", plain) if isinstance(plain, str) else plain


def _root(common_j: float | None, own_j: float | None) -> float | None:
    return None if common_j is None or own_j is None else math.hypot(common_j, own_j)
