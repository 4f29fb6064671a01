"""The rows that every table is made of."""

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
    """The values, or nothing."""
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
    """Any record of a type that checks nothing."""
    fields: dict[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    floats = {name: FINITE[each.type] for name, each in fields.items() if each.type in FINITE}
    return st.builds(kind, **floats)


@given(record=EPOCHS | any_of(TrialRecord) | any_of(WindowRecord) | any_of(PowerRecord))
def test_a_record_is_its_row(record: EpochRecord) -> None:
    """A row holds plain values only, in the order of the fields, and gives the same record back."""
    row = record.to_row()

    again = type(record).from_row(row)

    assert record == again
    assert [*type(record).__dataclass_fields__] == [*row]
    assert {type(value) for value in row.values()} <= {str, int, float, type(None)}


def test_not_a_number_is_missing() -> None:
    """A table's NaN comes back as None, in numbers as in words."""
    nan = float("nan")
    row = epoch(1).to_row() | {"val_score": nan, "peak_memory_bytes": nan, "stop_reason": nan}

    record = EpochRecord.from_row(row)

    assert (record.val_score, record.peak_memory_bytes, record.stop_reason) == (None, None, None)


def test_an_integer_of_a_data_frame_is_an_integer_again() -> None:
    """Where a count may be missing, a frame has floats; one with a fraction is refused."""
    row = epoch(1).to_row() | {"peak_memory_bytes": 64.0}

    record = EpochRecord.from_row(row)

    assert record.peak_memory_bytes == 64
    with pytest.raises(ValueError, match="peak_memory_bytes"):
        EpochRecord.from_row(row | {"peak_memory_bytes": 64.5})


def test_words_are_words_again() -> None:
    """What was text in a table is a member of its list, so that `is` holds."""
    row = epoch(1, stop=StopReason.PATIENCE).to_row()

    record = EpochRecord.from_row(row)

    assert record.stop_reason is StopReason.PATIENCE
    assert record.energy_status is EnergyStatus.OK
    assert record.paradigm is Paradigm.REGIME


def test_a_result_of_tune_has_our_trial_id() -> None:
    """Tune writes its own identifier over ours; ours is taken from the configuration."""
    record = epoch(3)
    result = record.to_row() | {
        "trial_id": "a1b2c_00000",
        "config": plan().to_config(),
        "time_this_iter_s": 0.1,
    }

    assert record == EpochRecord.from_result(result)


@pytest.mark.parametrize(
    ("changes", "said"),
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
def test_a_row_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    """The message says which field, what it is and what is allowed."""
    with pytest.raises(ValueError, match=said):
        epoch(1, **changes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row.pop("seed"),
        lambda row: row.update(energy_method="guessed"),
        lambda row: row.update(seed="one"),
    ],
)
def test_a_row_of_another_program_is_refused(
    spoil: Callable[[dict[str, Any]], object],
) -> None:
    """A field that is missing, a wrong type or an unknown word is an error, not a default."""
    row = epoch(1).to_row()
    spoil(row)

    with pytest.raises(ValueError, match=r"EpochRecord: .*(seed|guessed)"):
        EpochRecord.from_row(row)


def test_the_columns_of_a_record_follow_from_its_annotations() -> None:
    """Type, whether a value may be missing or the column absent, and the words it may hold."""
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


def test_what_is_no_record_has_no_columns() -> None:
    """A class that is not a dataclass is refused by name."""
    with pytest.raises(TypeError, match="Row is not a dataclass"):
        columns(Row)
