"""Scope of the energy that a study ranks by: as requested, or else chosen by what its trials compute on."""

from collections.abc import Iterable

from study.errors import OptionError
from study.record.manifest import NodeFacts
from study.record.tune_rows import ranking_scope
from study.record.vocabulary import EnergyScope
from trackers.node.shares.charging import RULES
from trackers.sample import Component

AUTO = "auto"
"""The value of `--energy-of` that leaves the choice to what trials compute on."""


def energy_scope(
    asked: str,
    nodes: Iterable[NodeFacts],
    *,
    on_accelerator: bool,
    earlier: EnergyScope | None,
) -> EnergyScope:
    """Return the scope of the energy that ranks.

    Args:
        asked: The value of `--energy-of`.
        nodes: The machines, with the components that each measures.
        on_accelerator: Whether trials train on an accelerator.
        earlier: Scope of the study that is resumed; None for a new study.

    Raises:
        OptionError: `node` is requested and no machine measures it, `accelerator` is requested for
            trials on the CPU, or the request differs from the scope of the study that is resumed.
    """
    usual = EnergyScope.ACCELERATOR if on_accelerator else EnergyScope.COMPONENTS
    scope = earlier or usual if asked == AUTO else EnergyScope(asked)
    if earlier is not None and scope is not earlier:
        message = (
            f"--energy-of is {scope}; the study to be resumed ranks by {earlier}. Leave the option "
            "out, or give a new --name."
        )
        raise OptionError(message)
    if scope is EnergyScope.ACCELERATOR and not on_accelerator and asked != AUTO:
        message = (
            "--energy-of is accelerator, and trials train on the CPU; allowed: components or, "
            "where a plug is measured, node."
        )
        raise OptionError(message)
    if scope is EnergyScope.NODE and Component.NODE not in _measured(nodes):
        message = (
            "--energy-of is node, and no source measures the whole machine here. Name one with "
            "--tracker (`python -m trackers` lists them, docs/trackers.md says how to describe a "
            "plug), or leave the option out."
        )
        raise OptionError(message)
    return scope


def scope_of_trainables(nodes: Iterable[NodeFacts]) -> EnergyScope:
    """Return the scope that ranks other people's Ray Tune trainables; see `ranking_scope`.

    Args:
        nodes: The machines, with the components that each measures; empty if that is not known.
    """
    return ranking_scope(_measured(nodes))


def charging_rules(nodes: Iterable[NodeFacts]) -> dict[str, str]:
    """Return the rule by which trials are charged for each component that is measured, by its name."""
    measured = _measured(nodes)
    return {name: rule for name, rule in RULES.items() if name in measured}


def _measured(nodes: Iterable[NodeFacts]) -> set[str]:
    return {each.component for node in nodes for each in node.components}
