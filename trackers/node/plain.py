"""Conversion of window keys, bills and readings to the plain tuples that a tracker's socket carries.

Objects take several times as long to pickle and unpickle, and a trial waits for that at the end of each epoch.
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
    """Return a window's key as a tuple."""
    return key.trial_id, key.attempt, str(key.stage), key.epoch


def key_of(plain: PlainKey) -> WindowKey:
    """Return a window's key from its tuple; the reverse of `plain_key`."""
    trial_id, attempt, stage, epoch = plain
    return WindowKey(trial_id=trial_id, attempt=attempt, stage=stage, epoch=epoch)


def packed_bill(bill: Bill) -> bytes:
    """Return a bill as bytes, so that a trial has to pickle it only once."""
    return pickle.dumps(bill)


@lru_cache(maxsize=1024)
def bill_of(packed: bytes) -> Bill:
    """Return a bill from its bytes; the reverse of `packed_bill`."""
    bill: Bill = pickle.loads(packed)  # noqa: S301 - from a trial that has sent the token
    return bill


def plain_readings(readings: Readings) -> dict[str, PlainReading]:
    """Return readings as tuples, by device."""
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
    """Return readings from their tuples, by device; the reverse of `plain_readings`."""
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
