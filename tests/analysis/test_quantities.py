"""Numbers and names in words."""

from analysis.quantities import parameters_text


def test_a_parameter_has_six_digits_at_most() -> None:
    """Equal weights of three tasks fill no line."""
    text = parameters_text({"weight_b": 1 / 3, "alpha": 0.5, "kind": "sgd"})

    assert text == "alpha 0.5, kind sgd, weight_b 0.333333"
