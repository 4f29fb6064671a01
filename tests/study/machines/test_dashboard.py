"""Ray's dashboard: the check of its packages, and the line that says how to reach it."""

from importlib.metadata import PackageNotFoundError

import pytest

from study.errors import ClusterError, OptionError
from study.machines.dashboard import check_dashboard, dashboard_text, missing_packages

NEEDED = [
    "click>=7",
    'aiohttp>=3; extra == "default"',
    'py-spy>=0.2; python_version < "3" and extra == "default"',
    'opencensus; extra == "default"',
    'tensorboardX; extra == "tune"',
]


def only_opencensus(name: str) -> str:
    """Return the version of a package on a machine where only opencensus is installed.

    Raises:
        PackageNotFoundError: It is another package.
    """
    if name != "opencensus":
        raise PackageNotFoundError(name)
    return "1.0"


def test_missing_packages_are_those_of_rays_extra() -> None:
    """Only requirements of the extra `default` for this Python count, and only if not installed."""
    assert missing_packages(lambda: NEEDED, only_opencensus) == ("aiohttp",)
    assert missing_packages(lambda: None, only_opencensus) == ()


def test_the_installed_ray_has_the_extra() -> None:
    """Where nothing is installed, packages of Ray's real metadata are missing."""

    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    assert "aiohttp" in missing_packages(installed=not_installed)


def test_a_dashboard_that_cannot_start_is_refused() -> None:
    """The message names the missing packages and the command that installs them."""
    with pytest.raises(
        OptionError,
        match=r"\(aiohttp, opencensus\)\. Install them with `pip install 'ray\[default\]==",
    ):
        check_dashboard(lambda: ("aiohttp", "opencensus"))


def test_a_dashboard_that_can_start_is_accepted() -> None:
    """With no package missing, the check passes."""
    check_dashboard(lambda: ())


def test_one_line_says_where_the_dashboard_is() -> None:
    """A local one is on loopback; that of a cluster is forwarded by Ray's own command."""
    here = dashboard_text("127.0.0.1:8265", address=None)
    there = dashboard_text("http://127.0.0.1:8265", address="auto")

    assert here.startswith("http://127.0.0.1:8265; if it asks for a token, `ray get-auth-token`")
    assert there.startswith("http://127.0.0.1:8265 of the cluster's head; `ray dashboard cluster.y")


@pytest.mark.parametrize("url", ["", None])
def test_a_cluster_without_a_dashboard_is_refused(url: str | None) -> None:
    """Its head was started without the packages; the message says what to do."""
    with pytest.raises(ClusterError, match=r"cluster at auto has none.*`ray up`.*leave the option"):
        dashboard_text(url, address="auto")
