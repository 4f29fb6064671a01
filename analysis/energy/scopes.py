"""Ranking of a study by another energy scope than the one that it was run with.

Epochs hold each component's energy beside the energy that ranks, so the question "does the answer
change with the scope?" needs no further training.
"""

import dataclasses

import pandas as pd

from analysis.read.counted import counted_epochs
from analysis.read.load import Study
from study.record.vocabulary import EnergyMethod, EnergyScope, EnergyStatus

COMPONENTS_OF = {
    EnergyScope.ACCELERATOR: ("gpu",),
    EnergyScope.COMPONENTS: ("gpu", "cpu", "memory"),
    EnergyScope.NODE: ("node",),
}
"""Components that the energy of a scope is the sum of, as far as they were measured."""

WORDS = {
    EnergyScope.ACCELERATOR: "the accelerators",
    EnergyScope.COMPONENTS: "accelerators, CPU and memory",
    EnergyScope.NODE: "the whole machine",
}
"""Wording for the energy of each scope: "energy of ..."."""


def measured_components(study: Study) -> tuple[str, ...]:
    """Return the components that have an energy in at least one epoch."""
    named = ("gpu", "cpu", "memory", "node")
    return tuple(each for each in named if study.epochs[f"{each}_energy_j"].notna().any())


def other_scopes(study: Study) -> tuple[EnergyScope, ...]:
    """Return the other scopes that a study could be ranked by.

    Scopes with the same measured components have the same energy, so only the first of them is returned.
    """
    measured = set(measured_components(study))
    own = frozenset(COMPONENTS_OF[study.manifest.energy_of]) & measured
    found: dict[frozenset[str], EnergyScope] = {}
    for scope, components in COMPONENTS_OF.items():
        parts = frozenset(components) & measured
        if parts and parts != own and scope is not study.manifest.energy_of:
            found.setdefault(parts, scope)
    return tuple(found.values())


def by_scope(study: Study, scope: EnergyScope) -> Study:
    """Return the study with the energies of another scope in place of those that rank.

    The energy of an epoch is missing if that of a component is. Its uncertainty is unknown, since only
    that of the energy that ranks is stored. Energies before and between epochs are left unchanged.

    Args:
        study: A loaded study.
        scope: One of the scopes from `other_scopes`.
    """
    measured = set(measured_components(study))
    parts = [each for each in COMPONENTS_OF[scope] if each in measured]
    energies_j = study.epochs[[f"{each}_energy_j" for each in parts]].sum(axis=1, skipna=False)
    is_known = energies_j.notna()
    method = _method(study, parts)
    epochs = study.epochs.assign(
        epoch_energy_j=energies_j.astype("float64"),
        energy_status=study.epochs["energy_status"]
        .where(is_known, EnergyStatus.MISSING.value)
        .mask(
            is_known & (study.epochs["energy_status"] == EnergyStatus.MISSING.value),
            EnergyStatus.OK.value,
        ),
        energy_method=pd.Series(method, index=study.epochs.index, dtype="object").where(
            is_known, None
        ),
        coverage=1.0,
        uncertainty_j=float("nan"),
        uncertainty_own_j=float("nan"),
        uncertainty_common_j=float("nan"),
    )
    sums_j = (
        counted_epochs(epochs)
        .groupby("trial_id")["epoch_energy_j"]
        .agg(lambda joules: joules.sum(skipna=False))
    )
    trials = study.trials.assign(energy_j=study.trials["trial_id"].map(sums_j).astype("float64"))
    manifest = dataclasses.replace(study.manifest, energy_of=scope)
    return dataclasses.replace(study, manifest=manifest, epochs=epochs, trials=trials)


def is_estimated(study: Study, component: str) -> bool:
    """Return whether any machine of a study only estimates a component's energy."""
    return any(
        each.component == component and each.method is EnergyMethod.ESTIMATED
        for node in study.manifest.nodes
        for each in node.components
    )


def _method(study: Study, parts: list[str]) -> str:
    estimated = any(is_estimated(study, each) for each in parts)
    return (EnergyMethod.ESTIMATED if estimated else EnergyMethod.SAMPLED).value
