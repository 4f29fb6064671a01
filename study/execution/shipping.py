"""Transport to the processes of trials: a scenario of a file travels by value, because no worker could find the file."""

from collections.abc import Callable
from typing import Any, final

from ray import cloudpickle

from study.errors import ScenarioError
from study.scenario import Scenario
from study.scenario_lookup import loaded_from_files
from study.training.loading import quickly_loading


@final
class TrialFunction:
    """`study.execution.trainable.run_trial`, which a process loads when it gets it."""

    __name__ = "run_trial"

    def __call__(self, config: dict[str, Any], **shared: Any) -> None:  # noqa: ANN401 - of `run_trial`
        """One trial; Tune's function trainable."""
        _run_trial()(config, **shared)

    def __reduce__(self) -> tuple[Callable[[], Callable[..., None]], tuple[()]]:
        """Become the function itself in another process."""
        return _run_trial, ()


def _run_trial() -> Callable[..., None]:
    with quickly_loading():
        from study.execution.trainable import run_trial  # noqa: PLC0415 - torch; see the class

    return run_trial


def check_shippable(scenario: Scenario) -> None:
    """Have modules of files travel by value, and refuse a scenario that cannot be sent at all.

    Raises:
        ScenarioError: It holds something that cannot be pickled.
    """
    for module in loaded_from_files():
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    try:
        cloudpickle.dumps(scenario)  # type: ignore[no-untyped-call]
    except Exception as error:
        # Whatever the user's own objects raise when they are pickled.
        message = (
            f"scenario {scenario.name} cannot be sent to the trials: {type(error).__name__}: "
            f"{error}. Open files, connections and locks in `load` or where they are used, not in "
            "`__init__`."
        )
        raise ScenarioError(message) from error
