"""Loading of libraries that take seconds."""

import gc

import pytest
from ray import cloudpickle

from study.execution.shipping import TrialFunction
from study.execution.trainable import run_trial
from study.training.loading import gc_paused


def test_no_garbage_is_looked_for_while_libraries_are_loaded() -> None:
    """Afterwards it is again, also when loading fails; after another one within it is not yet."""
    found = []

    def fails() -> None:
        with gc_paused():
            with gc_paused():
                pass
            found.append(gc.isenabled())
            raise ImportError

    with pytest.raises(ImportError):
        fails()

    assert found == [False]
    assert gc.isenabled()


def test_who_looks_for_no_garbage_goes_on_like_that() -> None:
    """A program that has turned it off has it off afterwards."""
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_trial_function_is_loaded_where_it_arrives() -> None:
    """There it is the function itself, so that trials come to nothing else."""
    sent = cloudpickle.dumps(TrialFunction())  # type: ignore[no-untyped-call]

    assert cloudpickle.loads(sent) is run_trial
