"""Setups that a search tries next, from lists and from ranges."""

from pathlib import Path

import optuna
import pytest

from study.errors import OptionError
from study.record.search.goal import SearchGoal
from study.search.proposals import Proposer, SamplerName
from study.search.space.space import Range, Space, space_of
from study.search.warm_start import Hint

RATES = Range(name="learning_rate", low=0.0001, high=0.1, log=True, whole=False)
SIZES = Range(name="batch_size", low=8, high=12, log=False, whole=True)
OPEN = Space(axes=(*space_of({"batch_size": (8, 16)}).axes, RATES))


def proposer(
    space: Space, sampler: SamplerName = "random", *, path: Path | None = None, name: str = "s"
) -> Proposer:
    """Return a proposer for energy to target, stored in a file if `path` is given."""
    storage = None if path is None else optuna.storages.RDBStorage(f"sqlite:///{path}")
    return Proposer(
        space,
        goal=SearchGoal.ENERGY_TO_TARGET,
        sampler=sampler,
        seed=0,
        name=name,
        storage=storage,
    )


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "gp"])
def test_a_range_gives_values_between_its_ends(sampler: SamplerName) -> None:
    """They are all different, have few digits, and are integers where they must be."""
    source = proposer(Space(axes=(SIZES, RATES)), sampler)

    choices = []
    for number in range(12):
        proposal = source.next()
        assert proposal is not None
        source.tell(proposal, (float(number),))
        choices.append(proposal.choice)

    assert len(set(choices)) == 12
    for size, rate in choices:
        assert isinstance(size, int)
        assert 8 <= size <= 12
        assert isinstance(rate, float)
        assert 0.0001 <= rate <= 0.1
        assert float(f"{rate:.4g}") == rate


def test_an_exhausted_range_gives_no_more_proposals() -> None:
    """Five batch sizes make five setups."""
    source = proposer(Space(axes=(SIZES, *space_of({"learning_rate": (0.1,)}).axes)))

    choices = {proposal.choice for proposal in iter(source.next, None)}

    assert choices == {(size, 0.1) for size in range(8, 13)}


def test_the_grid_sampler_refuses_a_range() -> None:
    """The message says what to give instead."""
    with pytest.raises(OptionError, match="Give a list, or low, high and step"):
        proposer(OPEN, "grid")


def test_a_known_choice_of_a_range_is_not_proposed_again() -> None:
    """A hint without values is proposed first."""
    source = proposer(OPEN)
    source.take(
        [
            Hint(choice=(8, 0.01), values=(1.0,), study="g"),
            Hint(choice=(16, 0.02), values=None, study="g"),
        ]
    )

    first = source.next()

    assert first is not None
    assert first.choice == (16, 0.02)
    assert (8, 0.01) in source.tried


@pytest.mark.slow
def test_a_search_cannot_resume_with_another_space(tmp_path: Path) -> None:
    """Optuna's file holds values of lists as ranks, which would have another meaning."""
    path = tmp_path / "optuna.db"
    proposer(space_of({"batch_size": (8, 16), "learning_rate": (0.1,)}), path=path)

    with pytest.raises(OptionError, match="searches another space"):
        proposer(space_of({"batch_size": (8, 32), "learning_rate": (0.1,)}), path=path)


def test_a_search_whose_folder_was_renamed_resumes(tmp_path: Path) -> None:
    """Its trials are in Optuna's file under the old name."""
    first = proposer(OPEN, path=tmp_path / "optuna.db").next()

    again = proposer(OPEN, path=tmp_path / "optuna.db", name="t").next()

    assert first is not None
    assert again is not None
    assert again.number > first.number
