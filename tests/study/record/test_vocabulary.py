"""Vocabulary of records, shared by writers and readers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.vocabulary import (
    FEW_DIGITS,
    NOT_WHOLE,
    EnergyMethod,
    EnergyStatus,
    Paradigm,
    Stage,
    StopReason,
    axis_words,
    parameters_text,
    positional,
    ranked_stage,
    setup_words,
    telling_digits,
)
from trackers.sample import Method, Status


def test_energy_methods_and_statuses_are_the_trackers() -> None:
    """They need no conversion, and can be compared between a reading and its row with `is`."""
    assert EnergyMethod is Method
    assert EnergyStatus is Status


def test_a_training_is_complete_if_it_ended_by_itself() -> None:
    """Terminal, repeats and report use only energies of such trainings."""
    complete = {StopReason.PATIENCE, StopReason.MAX_EPOCHS, StopReason.TARGET}

    assert set(StopReason) - complete == NOT_WHOLE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("power_limit_w", ("power limit", "W")),
        ("kernel_w", ("kernel w", "")),
        ("sigma_s", ("sigma s", "")),
        ("image_size", ("image size", "")),
    ],
)
def test_only_axes_of_ours_have_a_unit(name: str, words: tuple[str, str]) -> None:
    """The suffix of a user's axis may mean something else: `kernel_w` is a width, not a power."""
    assert axis_words(name) == words


def test_numbers_have_six_digits_unless_more_are_needed() -> None:
    """1/3 stays short, but setups that differ have different texts."""
    near = [{"alpha": 0.12345671}, {"alpha": 0.12345674}]

    assert parameters_text({"weight_b": 1 / 3, "kind": "sgd"}) == "kind sgd, weight b 0.333333"
    assert len({parameters_text(each) for each in near}) == 1
    assert len({parameters_text(each, digits=telling_digits(near)) for each in near}) == 2
    assert telling_digits([{"alpha": 1 / 3}, {"alpha": 0.5}, {"alpha": 0.5}]) == FEW_DIGITS


def test_parameters_are_written_for_people() -> None:
    """Numbers have no exponents, switches are written as typed, and units follow their number."""
    chosen = {"power_limit_w": 200.0, "weight_decay": 1e-05, "compile": True, "kind": "sgd"}

    assert parameters_text(chosen) == (
        "compile true, kind sgd, power limit 200 W, weight decay 0.00001"
    )


def test_a_setup_is_described_in_one_line() -> None:
    """Its parameters are shown as text, not JSON; values that are missing are left out."""
    with_limit = setup_words(64, 0.0001, '{"power_limit_w": 150.0}')

    assert with_limit == "batch size 64, learning rate 0.0001, power limit 150 W"
    assert setup_words(64, 1e-05, None) == "batch size 64, learning rate 0.00001"
    assert setup_words(None, None, '{"alpha": 1}') == "alpha 1"
    assert positional(None) == "-"


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_number_without_exponent_is_the_same_number(value: float) -> None:
    """With 17 digits it is read back exactly, by default to at least five digits."""
    text = positional(value, digits=17)

    assert "e" not in text.lower()
    assert float(text) == value
    assert float(positional(value)) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("paradigm", "stages", "ranked"),
    [
        (Paradigm.MULTITASK, ("kind", "colour", Stage.BOTH), Stage.BOTH),
        (Paradigm.MULTITASK, ("kind", "colour", "size", Stage.ALL), Stage.ALL),
        (Paradigm.PRETRAINING, tuple(Stage)[:4], Stage.ENCODER_CLASSIFIER),
        (Paradigm.REGIME, (), None),
    ],
)
def test_one_of_several_stages_ranks_setups(
    paradigm: Paradigm, stages: tuple[str, ...], ranked: str | None
) -> None:
    """It is the one with all tasks, or encoder and classifier trained from scratch."""
    assert ranked_stage(paradigm, stages) == ranked
