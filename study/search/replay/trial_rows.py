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
    for _, rows in frame.groupby("trial_id", sort=False):
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
    last = in_order(frame).drop_duplicates("trial_id", keep="last")
    stopped = last.loc[last["stop_reason"] == StopReason.STOPPED.value, "trial_id"]
    return frame[~frame["trial_id"].isin(stopped)], len(stopped)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of trainings in the order in which their epochs were trained."""
    return frame.sort_values(["attempt", "epoch"] if "attempt" in frame.columns else ["epoch"])
