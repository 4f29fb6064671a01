"""Checks before the first trial that the power limits can be set, and later restored, on every board."""

from collections.abc import Mapping, Sequence

from study.axes.kinds import POWER_LIMIT
from study.errors import OptionError, refuse
from study.options import StudyOptions
from study.record.manifest import SetupFacts
from trackers.errors import SourceUnavailableError
from trackers.node.power_limiter import PowerLimiter
from trackers.sample import PowerLimits
from trackers.sources.detect import AUTO, Request, detect


def wanted_limits(
    options: StudyOptions,
    setups: Sequence[SetupFacts],
    more_w: frozenset[float] = frozenset(),
) -> set[float] | None:
    """Return the power limits that a study sets, in watts; None if it sets none.

    The set is empty for `--power-limits auto`, whose limits depend on the board.

    Args:
        options: Options of the command.
        setups: Setups of the study.
        more_w: Limits of setups that are not known yet, in watts.

    Raises:
        OptionError: Trials share a board, limits are given both as an axis and by `--power-limits`,
            or `auto` is given together with watts.
    """
    chosen = {each.parameters[POWER_LIMIT] for each in setups if POWER_LIMIT in each.parameters}
    chosen |= more_w
    if not chosen and not options.power_limits:
        return None
    if AUTO in (options.power_limits or ()) and len(options.power_limits or ()) > 1:
        refuse(
            f"--power-limits is {' '.join(options.power_limits or ())}", f"{AUTO} alone, or watts"
        )
    option = f"--axis {POWER_LIMIT}" if chosen else "--power-limits"
    if chosen and options.power_limits:
        message = (
            f"--power-limits is given together with --axis {POWER_LIMIT}: either limits are an axis of "
            "setups, or each training finds its own. Leave one of the two out."
        )
        raise OptionError(message)
    if options.gpus_per_trial is not None and options.gpus_per_trial < 1:
        message = (
            f"{option} is given with --gpus-per-trial {options.gpus_per_trial:g}; a limit applies to "
            "a whole board, and would slow down other trials on it. Give 1."
        )
        raise OptionError(message)
    return chosen or {float(each) for each in options.power_limits or () if each != AUTO}


def check_limits_here(wanted: set[float] | None, options: StudyOptions) -> None:
    """Refuse limits that cannot be set on this machine, before Ray starts.

    With `--address` nothing is checked here; the cluster's machines are asked later.

    Args:
        wanted: Limits in watts; None if none is set.
        options: Options of the command.

    Raises:
        OptionError: There is no board, it is shared, this user may not set limits, or a limit is out of
            the board's range.
    """
    if wanted is None or options.address is not None:
        return
    try:
        found = detect(Request(tracker=options.tracker, cpu_watts=options.cpu_watts))
    except SourceUnavailableError as error:
        message = f"power limits: {error}"
        raise OptionError(message) from error
    try:
        check_limits(wanted, {"this machine": PowerLimiter(found.sources).limits()})
    finally:
        found.close()


def check_limits(wanted: set[float] | None, boards: Mapping[str, Sequence[PowerLimits]]) -> None:
    """Refuse limits that a board does not accept.

    Args:
        wanted: Limits in watts; None if none is set.
        boards: Settable limits of each board, by machine.

    Raises:
        OptionError: As for `check_limits_here`.
    """
    if wanted is None:
        return
    for host, limits in boards.items():
        if not limits:
            message = (
                f"power limits: {host} has no board whose limit could be set. They need NVIDIA boards "
                "and the tracker nvml; `python -m trackers` gives the reason."
            )
            raise OptionError(message)
        for board in limits:
            if board.refused:
                message = f"power limits: {host}, {board.device_uuid}: {board.refused}."
                raise OptionError(message)
            for limit_w in sorted(wanted):
                if not board.lowest_w <= limit_w <= board.highest_w:
                    refuse(
                        f"power limits: {limit_w:g} W is out of the range of {host}, {board.device_uuid}",
                        f"{board.lowest_w:g} to {board.highest_w:g} W",
                    )
