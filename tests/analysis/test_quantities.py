"""Numbers and names in words."""

from analysis.quantities import learning_rate_text
from study.record.vocabulary import parameters_text


def test_a_parameter_has_six_digits_at_most() -> None:
    """Equal weights of three tasks fill no line."""
    text = parameters_text({"weight_b": 1 / 3, "alpha": 0.5, "kind": "sgd"})

    assert text == "alpha 0.5, kind sgd, weight b 0.333333"


def test_a_rate_that_was_drawn_from_a_range_has_six_digits() -> None:
    """Ten such setups are a table that can be read; all digits are in the CSV files."""
    assert learning_rate_text(0.0037494620449600668) == "0.00374946"
    assert learning_rate_text(0.0001) == "0.0001"
    assert learning_rate_text(0.0037494620449600668, digits=17) == "0.0037494620449600668"
    assert learning_rate_text(None) == "-"
