"""Windows and readings as a tracker's socket carries them: tuples of words and numbers.

As objects they take several times as long to be packed and unpacked, and a trial waits for that at the end of
each epoch.
"""

import pickle
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from trackers.node.ledger import Bill, Readings, WindowKey
from trackers.sample import BoardState, Method, Reading, Scope, Status

PlainKey: TypeAlias = tuple[str, int, str, int]
PlainReading: TypeAlias = tuple[Any, ...]

_STATE = tuple(each.name for each in fields(BoardState))
_REST = tuple(
    each.name for each in fields(Reading) if each.name not in {"method", "status", "scope", "state"}
)
_state_values, _rest_values = attrgetter(*_STATE), attrgetter(*_REST)


def plain_key(key: WindowKey) -> PlainKey:
    """Return a window's name as a tuple."""
    return key.trial_id, key.attempt, str(key.stage), key.epoch


def key_of(plain: PlainKey) -> WindowKey:
    """Return the name of a window; the reverse of `plain_key`."""
    trial_id, attempt, stage, epoch = plain
    return WindowKey(trial_id=trial_id, attempt=attempt, stage=stage, epoch=epoch)


def packed_bill(bill: Bill) -> bytes:
    """Return a bill as bytes, which a trial packs once."""
    return pickle.dumps(bill)


@lru_cache(maxsize=1024)
def bill_of(packed: bytes) -> Bill:
    """Return a bill; the reverse of `packed_bill`."""
    bill: Bill = pickle.loads(packed)  # noqa: S301 - from a trial that has shown the token
    return bill


def plain_readings(readings: Readings) -> dict[str, PlainReading]:
    """Return readings by device as tuples."""
    return {
        device: (
            None if each.method is None else each.method.value,
            each.status.value,
            each.scope.value,
            _state_values(each.state),
            _rest_values(each),
        )
        for device, each in readings.items()
    }


def readings_of(plain: Mapping[str, PlainReading]) -> dict[str, Reading]:
    """Return readings by device; the reverse of `plain_readings`."""
    return {
        device: Reading(
            method=None if method is None else Method(method),
            status=Status(status),
            scope=Scope(scope),
            state=BoardState(**dict(zip(_STATE, state, strict=True))),
            **dict(zip(_REST, rest, strict=True)),
        )
        for device, (method, status, scope, state, rest) in plain.items()
    }
