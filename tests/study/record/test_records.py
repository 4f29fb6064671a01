"""Records, the rows of all tables of a study."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.bookings import PowerRecord, WindowRecord
from study.record.records import EpochRecord, TrialRecord
from study.record.rows import Column, Row, columns
from study.record.vocabulary import EnergyStatus, Paradigm, StopReason
from tests.study.rows import epoch, plan

AMOUNTS = st.floats(min_value=0, max_value=1e12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(1, 2**40)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for the values or None."""
    return st.none() | values


ENERGIES = AMOUNTS.map(lambda energy: (energy, EnergyStatus.OK)) | st.just(
    (None, EnergyStatus.MISSING)
)
EPOCHS = ENERGIES.flatmap(
    lambda pair: st.builds(
        EpochRecord,
        attempt=COUNTS,
        setup=COUNTS,
        batch_size=COUNTS,
        effective_batch_size=COUNTS,
        epoch=COUNTS,
        learning_rate=NUMBERS,
        train_loss=maybe(NUMBERS),
        val_loss=maybe(NUMBERS),
        val_score=maybe(NUMBERS),
        epoch_time_s=AMOUNTS,
        epoch_energy_j=st.just(pair[0]),
        energy_status=st.just(pair[1]),
        energy_j=maybe(AMOUNTS),
        mean_power_w=maybe(AMOUNTS),
        coverage=st.floats(0, 1),
        uncertainty_j=maybe(AMOUNTS),
        samples_per_s=maybe(AMOUNTS),
    )
)
FINITE = {float: NUMBERS, float | None: maybe(NUMBERS)}


def any_of(kind: type) -> st.SearchStrategy[Any]:
    """Return a strategy for records of a type without checks of its own."""
    fields: dict[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    floats = {name: FINITE[each.type] for name, each in fields.items() if each.type in FINITE}
    return st.builds(kind, **floats)


@given(record=EPOCHS | any_of(TrialRecord) | any_of(WindowRecord) | any_of(PowerRecord))
def test_a_record_survives_conversion_to_a_row(record: EpochRecord) -> None:
    """A row has only plain values, in the order of the fields, and gives the same record back."""
    row = record.to_row()

    again = type(record).from_row(row)

    assert record == again
    assert [*type(record).__dataclass_fields__] == [*row]
    assert {type(value) for value in row.values()} <= {str, int, float, type(None)}


def test_nan_is_read_as_missing() -> None:
    """A table's NaN becomes None, for numbers and for words."""
    nan = float("nan")
    row = epoch(1).to_row() | {"val_score": nan, "peak_memory_bytes": nan, "stop_reason": nan}

    record = EpochRecord.from_row(row)

    assert (record.val_score, record.peak_memory_bytes, record.stop_reason) == (None, None, None)


def test_whole_floats_are_read_as_integers() -> None:
    """Data frames hold a count that may be missing as a float; a fraction is refused."""
    row = epoch(1).to_row() | {"peak_memory_bytes": 64.0}

    record = EpochRecord.from_row(row)

    assert record.peak_memory_bytes == 64
    with pytest.raises(ValueError, match="peak_memory_bytes"):
        EpochRecord.from_row(row | {"peak_memory_bytes": 64.5})


def test_words_are_read_as_members_of_their_enum() -> None:
    """So they can be compared with `is`."""
    row = epoch(1, stop=StopReason.PATIENCE).to_row()

    record = EpochRecord.from_row(row)

    assert record.stop_reason is StopReason.PATIENCE
    assert record.energy_status is EnergyStatus.OK
    assert record.paradigm is Paradigm.REGIME


def test_a_result_of_tune_is_read_with_our_trial_id() -> None:
    """Tune overwrites it with its own; ours is taken from the configuration."""
    record = epoch(3)
    result = record.to_row() | {
        "trial_id": "a1b2c_00000",
        "config": plan().to_config(),
        "time_this_iter_s": 0.1,
    }

    assert record == EpochRecord.from_result(result)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attempt": 0}, "attempt is 0; it counts from 1"),
        ({"setup": 0}, "setup is 0; it counts from 1"),
        ({"batch_size": 0}, "batch_size is 0; it counts from 1"),
        ({"effective_batch_size": 0}, "effective_batch_size is 0; it counts from 1"),
        ({"epoch": 0}, "epoch is 0; it counts from 1"),
        ({"epoch_energy_j": -1.0}, "epoch_energy_j is -1.0; allowed: a finite number from 0"),
        ({"energy_j": float("inf")}, "energy_j is inf; allowed: a finite number from 0"),
        ({"epoch_time_s": float("nan")}, "epoch_time_s is nan; allowed: a finite number from 0"),
        ({"uncertainty_j": -0.1}, "uncertainty_j is -0.1; allowed: a finite number from 0"),
        ({"epoch_energy_j": None}, "None and `missing` go together"),
        ({"energy_status": EnergyStatus.MISSING}, "None and `missing` go together"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    """The message has the field, its value and what is allowed."""
    with pytest.raises(ValueError, match=message):
        epoch(1, **changes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row.pop("seed"),
        lambda row: row.update(energy_method="guessed"),
        lambda row: row.update(seed="one"),
    ],
)
def test_a_row_of_another_form_is_refused(
    spoil: Callable[[dict[str, Any]], object],
) -> None:
    """A missing field, a wrong type or an unknown word is an error, not a default."""
    row = epoch(1).to_row()
    spoil(row)

    with pytest.raises(ValueError, match=r"EpochRecord: .*(seed|guessed)"):
        EpochRecord.from_row(row)


def test_the_columns_of_a_record_follow_from_its_annotations() -> None:
    """They give its type, permitted words, and whether a value or the column may be missing."""
    found = {each.name: each for each in columns(EpochRecord)}

    assert found["epoch"] == Column(
        name="epoch", kind="integer", may_be_missing=False, may_be_absent=False
    )
    assert found["node_energy_j"] == Column(
        name="node_energy_j", kind="number", may_be_missing=True, may_be_absent=True
    )
    assert found["energy_method"] == Column(
        name="energy_method",
        kind="text",
        may_be_missing=True,
        may_be_absent=False,
        words=("counter", "sampled", "estimated"),
    )


def test_a_class_that_is_no_record_has_no_columns() -> None:
    """The message names a class that is not a dataclass."""
    with pytest.raises(TypeError, match="Row is not a dataclass"):
        columns(Row)
