"""Rows of a search's trials, which may have several stages, and attempts that resumed or repeated epochs."""

import pandas as pd

from study.record.attempts import counted
from study.record.vocabulary import Paradigm, StopReason


def counted_through(frame: pd.DataFrame) -> pd.DataFrame:
    """Number the epochs of a search's trials consecutively, through stages and resumed attempts.

    Other tables are returned as they are.
    """
    ours = {"paradigm", "trial_id", "attempt", "stage"} <= set(frame.columns)
    if not ours or not (frame["paradigm"] == Paradigm.SEARCH.value).all():
        return frame
    numbers = frame["epoch"].copy()
    for _, rows in frame.groupby(_key(frame), sort=False):
        places = list(zip(rows["attempt"], rows["stage"], rows["epoch"], strict=True))
        for attempt in dict.fromkeys(rows["attempt"]):
            until_then = counted(place for place in places if place[0] <= attempt)
            earlier = sum(place[0] < attempt for place in until_then)
            own = list(dict.fromkeys(place for place in places if place[0] == attempt))
            number = {place: earlier + at for at, place in enumerate(own, start=1)}
            is_own = [place[0] == attempt for place in places]
            numbers[rows.index[is_own]] = [number[place] for place in places if place in number]
    return frame.assign(epoch=numbers)


def without_stopped(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Drop trainings that a search stopped, whose end is unknown, and return their number as well.

    The last row of a trial decides, because a later attempt may have resumed it after a stop.
    """
    if not {"stop_reason", "trial_id"} <= set(frame.columns):
        return frame, 0
    key = _key(frame)
    last = in_order(frame).drop_duplicates(key, keep="last")
    stopped = last.loc[last["stop_reason"] == StopReason.STOPPED.value, key]
    is_stopped = pd.MultiIndex.from_frame(frame[key]).isin(pd.MultiIndex.from_frame(stopped))
    return frame[~is_stopped], len(stopped)


def _key(frame: pd.DataFrame) -> list[str]:
    """Return the columns that name a trial; a table may have several studies, whose trials are named alike."""
    return [name for name in ("study", "trial_id") if name in frame.columns]


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of trainings in the order in which their epochs were trained."""
    return frame.sort_values(["attempt", "epoch"] if "attempt" in frame.columns else ["epoch"])
