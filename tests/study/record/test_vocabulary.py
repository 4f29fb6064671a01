"""The words of a record are defined once, and mean the same to who writes and who reads it."""

from study.record.vocabulary import NOT_WHOLE, EnergyMethod, EnergyStatus, StopReason
from trackers.sample import Method, Status


def test_words_of_an_energy_are_the_trackers_own() -> None:
    """A reading's words need no translation, and `is` holds between a reading and its row."""
    assert EnergyMethod is Method
    assert EnergyStatus is Status


def test_a_training_is_whole_that_came_to_an_end_of_its_own() -> None:
    """Only its energy is that of a training: for the terminal, the repeats and the report alike."""
    whole = {StopReason.PATIENCE, StopReason.MAX_EPOCHS, StopReason.TARGET}

    assert set(StopReason) - whole == NOT_WHOLE
