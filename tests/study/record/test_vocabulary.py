"""The words of a record are defined once, and mean the same to who writes and who reads it."""

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


def test_words_of_an_energy_are_the_trackers_own() -> None:
    """A reading's words need no translation, and `is` holds between a reading and its row."""
    assert EnergyMethod is Method
    assert EnergyStatus is Status


def test_a_training_is_whole_that_came_to_an_end_of_its_own() -> None:
    """Only its energy is that of a training: for the terminal, the repeats and the report alike."""
    whole = {StopReason.PATIENCE, StopReason.MAX_EPOCHS, StopReason.TARGET}

    assert set(StopReason) - whole == NOT_WHOLE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("power_limit_w", ("power limit", "W")),
        ("kernel_w", ("kernel w", "")),
        ("sigma_s", ("sigma s", "")),
        ("image_size", ("image size", "")),
    ],
)
def test_an_axis_is_named_in_words_and_only_ours_has_a_unit(
    name: str, words: tuple[str, str]
) -> None:
    """What somebody else's suffix means is not known: a kernel's width is no power."""
    assert axis_words(name) == words


def test_numbers_have_six_digits_unless_they_are_needed() -> None:
    """Equal weights of three tasks fill no line; two setups that differ do so in words too."""
    near = [{"alpha": 0.12345671}, {"alpha": 0.12345674}]

    assert parameters_text({"weight_b": 1 / 3, "kind": "sgd"}) == "kind sgd, weight b 0.333333"
    assert len({parameters_text(each) for each in near}) == 1
    assert len({parameters_text(each, digits=telling_digits(near)) for each in near}) == 2
    assert telling_digits([{"alpha": 1 / 3}, {"alpha": 0.5}, {"alpha": 0.5}]) == FEW_DIGITS


def test_choices_read_as_sentences_do() -> None:
    """Numbers without exponents, switches as they are typed, and the unit behind its number."""
    chosen = {"power_limit_w": 200.0, "weight_decay": 1e-05, "compile": True, "kind": "sgd"}

    assert parameters_text(chosen) == (
        "compile true, kind sgd, power limit 200 W, weight decay 0.00001"
    )


def test_a_record_s_choices_follow_in_a_line() -> None:
    """A search's answer shows no JSON; a setup without further choices adds nothing."""
    with_limit = setup_words(64, 0.0001, '{"power_limit_w": 150.0}')

    assert with_limit == "batch size 64, learning rate 0.0001, power limit 150 W"
    assert setup_words(64, 1e-05, None) == "batch size 64, learning rate 0.00001"
    assert setup_words(None, None, '{"alpha": 1}') == "alpha 1"
    assert positional(None) == "-"


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_number_without_exponent_is_the_same_number(value: float) -> None:
    """With all its digits it is read back exactly, with six to one in a million."""
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
def test_one_stage_of_several_ranks_setups(
    paradigm: Paradigm, stages: tuple[str, ...], ranked: str | None
) -> None:
    """All tasks together, and encoder and classifier trained from scratch."""
    assert ranked_stage(paradigm, stages) == ranked
