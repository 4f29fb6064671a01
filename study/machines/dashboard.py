"""Ray's dashboard, on request: whether it can start, and how to reach it. Does not import Ray."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from study.errors import ClusterError, OptionError

LOOPBACK = "127.0.0.1"

EXTRA = "default"
"""Ray's extra that brings the packages of its dashboard: `ray[default]`."""


def missing_packages(
    needed: Callable[[], list[str] | None] = lambda: requires("ray"),
    installed: Callable[[str], str] = version,
) -> tuple[str, ...]:
    """Return the packages that Ray's dashboard needs and that are not installed here.

    Args:
        needed: Returns the requirements of the installed Ray, including those of its extras.
        installed: Returns the version of a package; raises `PackageNotFoundError` if it is missing.
    """
    missing = []
    for line in needed() or ():
        requirement = Requirement(line)
        marker = requirement.marker
        of_dashboard = (
            marker is not None
            and marker.evaluate({"extra": EXTRA})
            and not marker.evaluate({"extra": ""})
        )
        if of_dashboard:
            try:
                installed(requirement.name)
            except PackageNotFoundError:
                missing.append(requirement.name)
    return tuple(missing)


def check_dashboard(missing: Callable[[], tuple[str, ...]] = missing_packages) -> None:
    """Refuse `--dashboard` if the dashboard could not start.

    Raises:
        OptionError: Packages that it needs are missing.
    """
    names = missing()
    if names:
        message = (
            f"--dashboard: packages that Ray's dashboard needs are not installed "
            f"({', '.join(names)}). Install them with `pip install 'ray[{EXTRA}]=={version('ray')}'`, or "
            "leave the option out."
        )
        raise OptionError(message)


def dashboard_text(url: str | None, *, address: str | None) -> str:
    """Return text that says where the dashboard is and how to reach it.

    Args:
        url: The dashboard's URL as Ray reports it, without a scheme; None or empty if there is none.
        address: The value of `--address`; None for a local Ray.

    Raises:
        ClusterError: The cluster has no dashboard.
    """
    if not url:
        message = (
            f"--dashboard: the cluster at {address} has none, because its head was started without "
            f"ray[{EXTRA}]. `pip install 'ray[{EXTRA}]'` there and start Ray again (`ray up`), or "
            "leave the option out."
        )
        raise ClusterError(message)
    place = f"http://{url.removeprefix('http://')}"
    token = "if it asks for a token, `ray get-auth-token` prints it"  # noqa: S105 - no secret
    if address is None:
        return f"{place}; {token}"
    return f"{place} of the cluster's head; `ray dashboard cluster.yaml` forwards it to this machine; {token}"
