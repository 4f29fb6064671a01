"""Loading of libraries whose import takes seconds."""

import gc

import pytest
from ray import cloudpickle

from study.execution.shipping import TrialFunction
from study.execution.trainable import run_trial
from study.training.loading import gc_paused


def test_garbage_collection_is_paused_while_libraries_are_loaded() -> None:
    """It is on again afterwards, even if loading fails, but not yet at the end of a nested pause."""
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


def test_garbage_collection_that_was_off_stays_off() -> None:
    """A program that has turned it off still has it off after the pause."""
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_trial_function_is_imported_where_it_is_unpickled() -> None:
    """Unpickling gives the function `run_trial` itself."""
    pickled = cloudpickle.dumps(TrialFunction())  # type: ignore[no-untyped-call]

    assert cloudpickle.loads(pickled) is run_trial
