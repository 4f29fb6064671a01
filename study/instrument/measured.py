"""`measured(trainable)`: adds the energy of each step to the results of a user's own trainable.

Windows are opened and closed around the trainable's `step()`, in the trial's process, because Ray's
schedulers, stoppers and searchers see a result before a callback in the driver could add to it.
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

from ray.tune import Trainable
from ray.tune.result import DONE, RESULT_DUPLICATE
from ray.tune.trainable import wrap_function

from study.instrument.attempt_energy import AttemptEnergy
from study.instrument.workers import set_present

Function = Callable[..., Any]

_log = logging.getLogger(__name__)


def measured(trainable: Function | type[Trainable]) -> type[Trainable]:
    """Return a trainable that behaves like `trainable` and reports its energy with every result.

    Each result gains these columns, which schedulers, searchers and stoppers can use:

        epoch_energy_j   energy of the step, in joules; None when missing
        energy_wh        energy of all steps so far, lost attempts included, in watt-hours; always a
                         number, never decreasing; a lower bound if a reading is missing
        energy_method    counter, sampled or estimated; None when missing
        energy_status    ok, degraded (also when `energy_wh` is only a lower bound) or missing
        mean_power_w     mean power of the step, in watts; None when missing

    Args:
        trainable: A function that calls `tune.report`, or a subclass of `tune.Trainable`. Apply
            `tune.with_resources` and `tune.with_parameters` before or after `measured`, as you like.

    Returns:
        A class for `tune.Tuner`. Where nothing can be measured it trains all the same.

    Raises:
        TypeError: `trainable` is neither a function nor such a class, or is measured already.

    Examples:
        >>> from ray import tune
        >>> def train(config):
        ...     tune.report({"loss": 1 / config["width"]})
        >>> issubclass(measured(train), tune.Trainable)
        True

        A study with it, which starts Ray:

        ```python
        tuner = tune.Tuner(measured(train), param_space={"width": tune.grid_search([64, 256])})
        tuner.fit().get_dataframe()[["config/width", "loss", "energy_wh"]]
        ```
    """
    given: object = trainable  # whoever calls may not check types
    if inspect.isclass(trainable) and issubclass(trainable, _Measuring):
        message = f"{trainable.__name__} is measured already"
        raise TypeError(message)
    if not callable(given):
        message = f"measured takes a function or a class of tune.Trainable, not {given!r}"
        raise TypeError(message)
    kind = trainable if inspect.isclass(trainable) else wrap_function(trainable)
    name = str(getattr(trainable, "__name__", "measured"))
    # Tune names a run without a name after `_name`, and its trials after `__name__`.
    return cast("type[Trainable]", type(name, (_Measuring, kind), {"_name": name}))


class _Measuring:
    """Mix-in placed before a `tune.Trainable` class: forwards its calls, with windows around them."""

    _energy: AttemptEnergy | None = None
    _has_said_replaced = False

    def setup(self, config: dict[str, Any], **parameters: Any) -> None:  # noqa: ANN401 - any
        self._begin()
        self._wrapped.setup(config, **parameters)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._end()
        is_reset = bool(self._wrapped.reset_config(new_config))
        if is_reset:
            self._begin()
        return is_reset

    def step(self) -> dict[str, Any]:
        energy = self._energy
        if energy is not None:
            energy.begin_epoch(self._trainable.iteration + 1)
        result: dict[str, Any] = self._wrapped.step()
        if (
            energy is None or RESULT_DUPLICATE in result
        ):  # the function returned without a new result
            return result
        columns = energy.end_epoch()
        columns["energy"]["is_last"] = bool(result.get(DONE))
        self._say_replaced(sorted(result.keys() & columns.keys()))
        return {**result, **columns}

    def cleanup(self) -> None:
        self._end()
        self._wrapped.cleanup()

    def _say_replaced(self, names: Sequence[str]) -> None:
        """Warn once that values reported by the trainable are replaced by energy columns of the same name."""
        if names and not self._has_said_replaced:
            self._has_said_replaced = True
            _log.warning(
                "results of this trainable have %s, which now hold the energy that was measured; "
                "report yours under other names",
                ", ".join(names),
            )

    def _begin(self) -> None:
        self._energy = AttemptEnergy(self._trainable.trial_id)
        set_present(self._energy)

    def _end(self) -> None:
        if self._energy is not None:
            self._energy.end()
            self._energy = None
            set_present(None)

    @property
    def _wrapped(self) -> Any:  # noqa: ANN401 - the class behind this one
        return super()

    @property
    def _trainable(self) -> Trainable:
        return cast("Trainable", self)
