"""Sends a scenario to the trials: that of a file by value, because no worker could find the file."""

from ray import cloudpickle

from study.errors import ScenarioError
from study.scenario import Scenario
from study.scenario_lookup import loaded_from_files


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
