"""Choice of the energy that setups are ranked by."""

import pytest

from study.errors import OptionError
from study.machines.energy_scope import AUTO, charging_rules, energy_scope, scope_of_trainables
from study.record.manifest import ComponentFacts, NodeFacts
from study.record.vocabulary import EnergyMethod, EnergyScope


def node(*components: str) -> NodeFacts:
    """Return a machine on which these components are measured."""
    return NodeFacts(
        hostname="one",
        cpus=2,
        gpus=1,
        source="s",
        method=EnergyMethod.COUNTER,
        note="",
        refused={},
        devices=(),
        components=tuple(
            ComponentFacts(component=each, source="s", method=EnergyMethod.COUNTER)
            for each in components
        ),
    )


@pytest.mark.parametrize(
    ("on_accelerator", "expected"),
    [(True, EnergyScope.ACCELERATOR), (False, EnergyScope.COMPONENTS)],
)
def test_by_default_the_device_that_trials_compute_on_ranks(
    expected: EnergyScope, *, on_accelerator: bool
) -> None:
    """It is the accelerator as in the paper, or CPU and memory where there is none."""
    nodes = [node("gpu", "cpu")]

    assert expected is energy_scope(AUTO, nodes, on_accelerator=on_accelerator, earlier=None)


@pytest.mark.parametrize(
    ("components", "scope"),
    [
        (("gpu", "cpu"), EnergyScope.ACCELERATOR),
        (("cpu",), EnergyScope.COMPONENTS),
        (("node",), EnergyScope.NODE),
        ((), EnergyScope.ACCELERATOR),
    ],
)
def test_trainables_are_ranked_by_what_is_measured(
    components: tuple[str, ...], scope: EnergyScope
) -> None:
    """Without a measured accelerator, no energy is called its energy."""
    assert scope_of_trainables([node(*components)]) is scope


def test_a_resumed_study_keeps_its_scope() -> None:
    """Without the option, the earlier scope applies; another one is refused."""
    nodes, was = [node("gpu", "node")], EnergyScope.NODE

    assert energy_scope(AUTO, nodes, on_accelerator=True, earlier=was) is was
    with pytest.raises(OptionError, match="ranks by node"):
        energy_scope("components", nodes, on_accelerator=True, earlier=was)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("accelerator", "trials train on the CPU; allowed: components"),
        ("node", "no source measures the whole machine"),
    ],
)
def test_a_scope_that_is_not_measured_is_refused(asked: str, message: str) -> None:
    """The study ends before its first trial instead of without energies."""
    with pytest.raises(OptionError, match=message):
        energy_scope(asked, [node("cpu")], on_accelerator=False, earlier=None)


def test_charging_rules_are_those_of_the_measured_components() -> None:
    """Components that no machine measures have none."""
    assert set(charging_rules([node("gpu"), node("cpu")])) == {"gpu", "cpu"}
