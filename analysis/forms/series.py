"""Names of setups and series in a figure: batch size, learning rate, and the further parameters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from study.record.manifest import Manifest
from study.record.vocabulary import parameters_text, positional, telling_digits


def series_of(manifest: Manifest) -> Callable[[int, float | None], str]:
    """Return a function that names the series of a setup in a figure.

    Args:
        manifest: Manifest of the study, with the parameters of the setups.

    Returns:
        Function from a setup's number and learning rate to a name: `0.001`, or `0.001, alpha 0.5` if
        setups differ in more than batch size and learning rate, or `alpha 0.5` if besides that there
        is no learning rate or all setups have the same.
    """
    parameters = {facts.setup: facts.parameters for facts in manifest.setups}
    names = dict.fromkeys(name for chosen in parameters.values() for name in chosen)
    varied = [n for n in names if len({repr(c.get(n)) for c in parameters.values()}) > 1]
    shown = {
        setup: {name: chosen[name] for name in varied if name in chosen}
        for setup, chosen in parameters.items()
    }
    digits = telling_digits(shown.values())
    rate_tells = not varied or len({facts.learning_rate for facts in manifest.setups}) > 1

    def series(setup: int, learning_rate: float | None) -> str:
        more = parameters_text(shown.get(setup, {}), digits=digits)
        tells = rate_tells and learning_rate is not None
        rate = [positional(learning_rate)] if tells else []
        return ", ".join([*rate, *([more] if more else [])]) or f"setup {setup}"

    return series


class Parameters(Protocol):
    """Anything that has the parameters of a setup, such as `SetupEnergy` or `SetupStage`."""

    @property
    def setup(self) -> int:
        """Number of the setup."""

    @property
    def batch_size(self) -> int | None:
        """Requested batch size; None if the setup has none."""

    @property
    def learning_rate(self) -> float | None:
        """Requested learning rate; None if the setup has none."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Further parameters of the setup."""


def further_texts(setups: Sequence[Parameters]) -> list[str]:
    """Return the further parameters of each setup, in words that differ if the parameters do."""
    digits = telling_digits(each.parameters for each in setups)
    return [parameters_text(each.parameters, digits=digits) for each in setups]


def setup_name(batch_size: int | None, series: str) -> str:
    """Name a setup in a figure's label: `64 x 0.001`; its series alone if it has no batch size."""
    return series if batch_size is None else f"{batch_size} x {series}"


def series_words(batch_size: int | None, series: str) -> str:
    """Describe a setup in words; a series that starts with a digit starts with the learning rate."""
    rate = f"learning rate {series}" if series[:1].isdigit() else series
    return rate if batch_size is None else f"{group_name(batch_size)}, {rate}"


def group_name(batch_size: int | None) -> str:
    """Return the heading of the setups with a batch size; empty without one."""
    return "" if batch_size is None else f"batch size {batch_size}"


def series_title(series: Iterable[str]) -> str:
    """Return the title of an axis whose values are series."""
    return "learning rate" if any(each[:1].isdigit() for each in series) else "setup"


def names_title(names: Iterable[str]) -> str:
    """Return the title of an axis whose values are `setup_name`s: `batch size x learning rate`."""
    size, _, series = next(iter(names), "").partition(" x ")
    return f"batch size x {series_title([series])}" if series else series_title([size])
