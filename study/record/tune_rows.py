"""Conversion of Tune trials to a study's records: configurations to setups and seeds, results to rows.

Used by `study.instrument`, which records a run, and by `analysis`, which imports an unrecorded one.
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
"""Keys under which configurations commonly hold the learning rate, and above it the batch size."""

STAGE = "training"
"""Stage of every epoch of a trainable that was not written for this package."""

SEED_KEY = "seed_key"
"""Option that only manifests of plain Tune runs have, whose trainables decide themselves when to end."""

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
"""Keys of a result that Tune or `measured` adds; everything else was reported by the user."""


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to names such as `optimizer/lr`."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}/")
        else:
            found[f"{prefix}{name}"] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TunePlan:
    """A Tune trial in terms of a study.

    Attributes:
        trial_id: Tune's identifier of the trial.
        setup: Setup of the trial.
        seed: Seed in its configuration, or the number of the repeat of its setup where that has none.
    """

    trial_id: str
    setup: SetupFacts
    seed: int

    @property
    def parameters(self) -> str | None:
        """The setup's parameters as JSON, see `EpochRecord.parameters`; None where there are none."""
        return _as_text(self.setup.parameters)


@final
@dataclass(slots=True, kw_only=True)
class SetupNumbers:
    """Numbers the distinct configurations as setups, and tells the repeats of each apart.

    Attributes:
        seed_key: Key of the configuration that holds the seed, in which repeats of a setup differ.
        setups: Setups found so far.
    """

    seed_key: str
    setups: list[SetupFacts] = field(default_factory=list)
    _plans: dict[str, TunePlan] = field(default_factory=dict)

    def plan(self, trial_id: str, config: Mapping[str, Any]) -> TunePlan:
        """Return the plan of a trial, made at the first call with its identifier and then kept."""
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
        """Return the setup of a configuration, numbered if it is new, and its seed; None without one."""
        values = flat(config)
        seed: Any = as_json(values.pop(self.seed_key, None))
        is_number = isinstance(seed, int) and not isinstance(seed, bool) and abs(seed) < 2**63
        return self._setup(values), int(seed) if is_number else None

    def known(self, record: TrialRecord) -> TunePlan:
        """Register a trial of an earlier session, whose setup is known already, and return its plan."""
        setup = next(each for each in self.setups if each.setup == record.setup)
        plan = TunePlan(trial_id=record.trial_id, setup=setup, seed=record.seed)
        self._plans[record.trial_id] = plan
        return plan

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of all trials, sorted; (0,) without trials."""
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
    """Remove an axis from the flattened values and return it; None where they have no such number."""
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
    """Return the record of one result of a measured trainable.

    Args:
        result: Result as Tune has it; without the energy columns its energy is missing.
        plan: Plan of the trial.
        study: Name of the run.
        scenario: Name of the trainable.
        objective: Objective; its name is that of a reported metric.
        energy_before_j: Energy of the attempt's epochs so far; None if one of them is missing.
        stop_reason: Why the trial ends with this result; None if it continues.
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
    """Return the manifest of a Tune run, as far as it follows from the configurations.

    Args:
        name: Name of the run.
        scenario: Name of the trainable.
        book: Setups and seeds of the run.
        objective: Validation metric that decides.
        started_at: Wall time in ISO 8601 with time zone.
        command: Command line of the program that ran it.
        versions: Versions of the software that it ran with, by name.
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
    """Return the scope that trainables are ranked by: accelerators, where they were measured.

    Args:
        measured: Components that were measured; empty where that is unknown.
    """
    if "gpu" in measured or not measured:
        return EnergyScope.ACCELERATOR
    return EnergyScope.NODE if set(measured) == {"node"} else EnergyScope.COMPONENTS


def energy_in(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the details that `measured` adds to a result; empty where it was not measured.

    The `energy` of a result may also be a metric of the user's, such as the energy of a molecule.
    """
    told = result.get("energy")
    return told if isinstance(told, Mapping) and "status" in told else {}


def number_of(value: object) -> float | None:
    """Return a value as a finite float; None for anything else, such as a string, an array or None.

    >>> number_of(1), number_of("1"), number_of(float("nan")), number_of([1.0])
    (1.0, None, None, None)
    """
    number = float_of(value)
    return number if number is not None and math.isfinite(number) else None


def float_of(value: object) -> float | None:
    """Return a value as a float, which may be NaN or infinite; None where it is no number or a bool."""
    if value is None or isinstance(value, bool | str | bytes) or getattr(value, "ndim", None):
        return None
    try:
        return float(getattr(value, "detach", lambda: value)())  # type: ignore[arg-type]  # whatever it is
    except Exception:  # noqa: BLE001 - an object of the user's may raise anything
        return None


def _amount(value: object) -> float | None:
    """Return a value as a finite number of 0 or more; None for anything else."""
    number = number_of(value)
    return number if number is not None and number >= 0 else None


def _status(word: object, epoch_j: float | None) -> EnergyStatus:
    """Return the energy status of a result, made consistent with whether it has an energy."""
    if epoch_j is None:
        return EnergyStatus.MISSING
    return EnergyStatus.DEGRADED if word == EnergyStatus.DEGRADED else EnergyStatus.OK


def _as_text(values: Mapping[str, Any]) -> str | None:
    return json.dumps(values, sort_keys=True) if values else None


def _next_seed(taken: set[int]) -> int:
    return next(number for number in range(len(taken) + 1) if number not in taken)


def as_json(value: object) -> object:
    """Convert a value of a configuration to what JSON can hold.

    Other objects become their text without the memory address, which differs in each process.
    """
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        plain = as_json(value.item()) if getattr(value, "ndim", None) == 0 else str(value)  # type: ignore[attr-defined]
    return _PLACE_IN_MEMORY.sub("", plain) if isinstance(plain, str) else plain


def _root(common_j: float | None, own_j: float | None) -> float | None:
    return None if common_j is None or own_j is None else math.hypot(common_j, own_j)
