"""Carbon intensity of the hours in which a study used its energy, from a server."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import AnalysisError
from analysis.quantities import count_text
from analysis.read.load import Study
from study.record.files import POWER_FILE
from trackers.carbon.hourly import HOUR_S, IntensityError, hourly_g_per_kwh, shown, zone_asked

Shares = Mapping[int, float]
"""Shares of a study's energy by hour, in hours since the Unix epoch."""


def live_intensity(study: Study, word: str, zone: str) -> tuple[float, str]:
    """Return the mean carbon intensity in g per kWh, weighted by the study's energy, and its source in words.

    Args:
        study: The study, whose power log gives the energy of each hour; without one, hours have equal
            weights.
        word: Value of `--carbon-intensity`.
        zone: Value of `--country`; empty for none.

    Raises:
        AnalysisError: The server cannot be used, or has no data for the study's hours.
    """
    shares = hourly_shares(study)
    try:
        told = hourly_g_per_kwh(word, zone, min(shares), max(shares))
    except IntensityError as error:
        raise AnalysisError(str(error)) from error
    known = {hour: share for hour, share in shares.items() if hour in told}
    whole = sum(known.values())
    if not whole:
        message = (
            f"--carbon-intensity {shown(word)} returned no data for the {count_text(len(shares), 'hour')} from "
            f"{datetime.fromtimestamp(min(shares) * HOUR_S, UTC):%Y-%m-%d %H:%M} UTC on; give grams per kWh "
            "or --country."
        )
        raise AnalysisError(message)
    mean = sum(told[hour] * share for hour, share in known.items()) / whole
    where = " ".join(filter(None, (shown(word), zone_asked(word, zone))))
    source = f"{where}, by {count_text(len(known), 'hour')} of the study"
    if len(known) < len(shares):
        source += f" of {len(shares)}: the others are not known"
    return round(mean, 2), source


def hourly_shares(study: Study) -> Shares:
    """Return the share of a study's energy in each hour; equal shares without a usable power log."""
    path = study.path / POWER_FILE
    try:
        log = pq.read_table(path, columns=["unix_time_s", "power_w"], partitioning=None)
    except (OSError, ValueError, pa.ArrowException):
        return _evenly(study)
    frame = log.to_pandas()
    powers = frame["power_w"].groupby((frame["unix_time_s"] // HOUR_S).astype("int64")).sum()
    if not powers.sum() > 0:
        return _evenly(study)
    return {int(hour): float(share) for hour, share in (powers / powers.sum()).items()}


def _evenly(study: Study) -> Shares:
    """Return equal shares for the hours from a study's start to its end, or to now if it still runs."""
    began = datetime.fromisoformat(study.manifest.started_at)
    ended = study.manifest.finished_at
    last = datetime.now(UTC) if ended is None else datetime.fromisoformat(ended)
    hours = range(int(began.timestamp()) // HOUR_S, int(last.timestamp()) // HOUR_S + 1)
    return dict.fromkeys(hours, 1 / len(hours))
