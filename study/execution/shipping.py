"""Sending of code to the trials' processes.

A scenario from a file is pickled by value, because workers could not import the file.
"""

from collections.abc import Callable
from typing import Any, final

from ray import cloudpickle

from study.errors import ScenarioError
from study.scenario import Scenario
from study.scenario_lookup import loaded_from_files
from study.training.loading import gc_paused


@final
class TrialFunction:
    """Stand-in for `study.execution.trainable.run_trial` that is replaced by it when unpickled.

    The driver need not import the trainable, and with it torch; each process does that for itself.
    """

    __name__ = "run_trial"

    def __call__(self, config: dict[str, Any], **shared: Any) -> None:  # noqa: ANN401 - of `run_trial`
        """Run one trial, as Tune's function trainable."""
        _run_trial()(config, **shared)

    def __reduce__(self) -> tuple[Callable[[], Callable[..., None]], tuple[()]]:
        """Pickle as an instruction to import the function itself."""
        return _run_trial, ()


def _run_trial() -> Callable[..., None]:
    with gc_paused():
        from study.execution.trainable import run_trial  # noqa: PLC0415 - torch; see the class

    return run_trial


def check_shippable(scenario: Scenario) -> None:
    """Have modules loaded from files pickled by value, and refuse a scenario that cannot be pickled.

    Raises:
        ScenarioError: The scenario holds something that cannot be pickled.
    """
    for module in loaded_from_files():
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    try:
        cloudpickle.dumps(scenario)  # type: ignore[no-untyped-call]
    except Exception as error:
        # The user's own objects may raise anything when they are pickled.
        message = (
            f"scenario {scenario.name} cannot be sent to the trials: {type(error).__name__}: "
            f"{error}. Open files, connections and locks in `load` or where they are used, not in "
            "`__init__`."
        )
        raise ScenarioError(message) from error
