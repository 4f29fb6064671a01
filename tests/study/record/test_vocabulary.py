"""The words of a record are defined once, and mean the same to who writes and who reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.vocabulary import (
    NOT_WHOLE,
    EnergyMethod,
    EnergyStatus,
    StopReason,
    axis_words,
    parameters_text,
    positional,
    setup_words,
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
        ("window_s", ("window", "s")),
        ("alpha", ("alpha", "")),
        ("image_size", ("image size", "")),
        ("w", ("w", "")),
    ],
)
def test_an_axis_is_named_in_words_with_its_unit(name: str, words: tuple[str, str]) -> None:
    """The suffix that names a unit is no word."""
    assert axis_words(name) == words


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


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_number_without_exponent_is_the_same_number(value: float) -> None:
    """With all its digits it is read back exactly, with six to one in a million."""
    text = positional(value, digits=17)

    assert "e" not in text.lower()
    assert float(text) == value
    assert float(positional(value)) == pytest.approx(value, rel=1e-5)
