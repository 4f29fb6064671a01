"""Names of setups and series in a figure: batch size, learning rate, and the further parameters."""

from collections.abc import Callable, Iterable

from analysis.quantities import learning_rate_text
from study.record.manifest import Manifest


def series_of(manifest: Manifest) -> Callable[[int, float | None], str]:
    """A function that gives the series of a setup.

    Args:
        manifest: Says which further parameters a setup has.

    Returns:
        From a setup's number and learning rate to `0.001`, or `0.001, alpha 0.5` where setups
        differ in more than batch size and learning rate; `alpha 0.5` where there is no learning rate,
        or one that all of them have.
    """
    parameters = {facts.setup: facts.parameters for facts in manifest.setups}
    names = dict.fromkeys(name for chosen in parameters.values() for name in chosen)
    varied = [n for n in names if len({repr(c.get(n)) for c in parameters.values()}) > 1]
    rate_tells = not varied or len({facts.learning_rate for facts in manifest.setups}) > 1

    def series(setup: int, learning_rate: float | None) -> str:
        chosen = parameters.get(setup, {})
        more = (f"{name} {chosen[name]}" for name in varied if name in chosen)
        tells = rate_tells and learning_rate is not None
        rate = [learning_rate_text(learning_rate)] if tells else []
        return ", ".join([*rate, *more]) or f"setup {setup}"

    return series


def setup_name(batch_size: int | None, series: str) -> str:
    """A setup in a figure's label: `64 x 0.001`; its series alone where there is no batch size."""
    return series if batch_size is None else f"{batch_size} x {series}"


def setup_words(batch_size: int | None, series: str) -> str:
    """A setup in words; its series begins with the learning rate, where there is one."""
    rate = f"learning rate {series}" if series[:1].isdigit() else series
    return rate if batch_size is None else f"{group_name(batch_size)}, {rate}"


def group_name(batch_size: int | None) -> str:
    """The heading of the setups with a batch size."""
    return "" if batch_size is None else f"batch size {batch_size}"


def series_title(series: Iterable[str]) -> str:
    """The title of an axis of series."""
    return "learning rate" if any(each[:1].isdigit() for each in series) else "setup"


def names_title(names: Iterable[str]) -> str:
    """The parts of which the names of setups are made: `batch size x learning rate`."""
    size, _, series = next(iter(names), "").partition(" x ")
    return f"batch size x {series_title([series])}" if series else series_title([size])
