"""Ray's dashboard: found missing before anything starts, and told how to be reached."""

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
    """A machine with one package.

    Raises:
        PackageNotFoundError: It is another.
    """
    if name != "opencensus":
        raise PackageNotFoundError(name)
    return "1.0"


def test_what_the_dashboard_needs_is_what_ray_says() -> None:
    """Of Ray's requirements those of that extra count, for this Python, that are not installed."""
    assert missing_packages(lambda: NEEDED, only_opencensus) == ("aiohttp",)
    assert missing_packages(lambda: None, only_opencensus) == ()


def test_the_installed_ray_says_what_it_needs() -> None:
    """The name of the extra is right: with nothing installed all of its packages are missing."""

    def nothing(name: str) -> str:
        raise PackageNotFoundError(name)

    assert "aiohttp" in missing_packages(installed=nothing)


def test_a_dashboard_that_cannot_start_is_refused() -> None:
    """With the packages, and the command that installs them."""
    with pytest.raises(
        OptionError,
        match=r"\(aiohttp, opencensus\)\. Install them with `pip install 'ray\[default\]==",
    ):
        check_dashboard(lambda: ("aiohttp", "opencensus"))


def test_a_dashboard_that_can_start_is_not() -> None:
    """Nothing is missing."""
    check_dashboard(lambda: ())


def test_one_line_says_where_it_is() -> None:
    """Here it is on loopback; a cluster's is brought here by Ray's own command."""
    here = dashboard_text("127.0.0.1:8265", address=None)
    there = dashboard_text("http://127.0.0.1:8265", address="auto")

    assert here.startswith("http://127.0.0.1:8265; if it asks for a token, `ray get-auth-token`")
    assert there.startswith("http://127.0.0.1:8265 of the cluster's head; `ray dashboard cluster.y")


@pytest.mark.parametrize("url", ["", None])
def test_a_cluster_without_one_is_refused(url: str | None) -> None:
    """Its head was started without the packages; what to do there is said."""
    with pytest.raises(ClusterError, match=r"cluster at auto has none.*`ray up`.*leave the option"):
        dashboard_text(url, address="auto")
