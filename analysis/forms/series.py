"""Names of series in a figure: the learning rate, and the further parameters."""

from collections.abc import Callable

from analysis.quantities import learning_rate_text
from study.record.manifest import Manifest


def series_of(manifest: Manifest) -> Callable[[int, float], str]:
    """A function that gives the series of a setup.

    Args:
        manifest: Says which further parameters a setup has.

    Returns:
        From a setup's number and learning rate to `0.001`, or `0.001, alpha 0.5` where setups
        differ in more than batch size and learning rate.
    """
    parameters = {facts.setup: facts.parameters for facts in manifest.setups}
    names = dict.fromkeys(name for chosen in parameters.values() for name in chosen)
    varied = [n for n in names if len({repr(c.get(n)) for c in parameters.values()}) > 1]

    def series(setup: int, learning_rate: float) -> str:
        chosen = parameters.get(setup, {})
        more = (f"{name} {chosen[name]}" for name in varied if name in chosen)
        return ", ".join([learning_rate_text(learning_rate), *more])

    return series
