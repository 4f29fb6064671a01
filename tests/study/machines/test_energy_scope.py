"""Which energy ranks, and what is refused."""

import pytest

from study.errors import OptionError
from study.machines.energy_scope import AUTO, charging_rules, energy_scope, scope_of_trainables
from study.record.manifest import ComponentFacts, NodeFacts
from study.record.vocabulary import EnergyMethod, EnergyScope


def node(*components: str) -> NodeFacts:
    """A machine on which these are measured."""
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
def test_without_a_choice_what_trials_compute_on_ranks(
    expected: EnergyScope, *, on_accelerator: bool
) -> None:
    """The paper's accelerator, or CPU and memory where there is none."""
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
def test_trainables_are_ranked_by_what_was_measured(
    components: tuple[str, ...], scope: EnergyScope
) -> None:
    """Without an accelerator nothing is said to be its energy."""
    assert scope_of_trainables([node(*components)]) is scope


def test_a_study_that_goes_on_ranks_by_the_same() -> None:
    """Left out, the option is that of the first time; another one is refused."""
    nodes, was = [node("gpu", "node")], EnergyScope.NODE

    assert energy_scope(AUTO, nodes, on_accelerator=True, earlier=was) is was
    with pytest.raises(OptionError, match="ranks by node"):
        energy_scope("components", nodes, on_accelerator=True, earlier=was)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("accelerator", "trials train on the CPU; allowed: components"),
        ("node", "no source measures the whole machine"),
    ],
)
def test_what_is_not_there_cannot_rank(asked: str, said: str) -> None:
    """Before the first trial, not as a study without energies."""
    with pytest.raises(OptionError, match=said):
        energy_scope(asked, [node("cpu")], on_accelerator=False, earlier=None)


def test_the_manifest_has_the_rules_of_what_is_measured() -> None:
    """And no other."""
    assert set(charging_rules([node("gpu"), node("cpu")])) == {"gpu", "cpu"}
