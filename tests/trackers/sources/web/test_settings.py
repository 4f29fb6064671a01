"""The file that describes a server, and what is said of its faults."""

from pathlib import Path

import pytest

from trackers.errors import SourceUnavailableError
from trackers.sample import Component
from trackers.sources.web.settings import read_settings


def written(folder: Path, text: str) -> Path:
    """A file."""
    path = folder / "plug.yaml"
    path.write_text(text)
    return path


def test_what_is_not_given_is_the_preset_s_or_the_default(tmp_path: Path) -> None:
    """Two lines are enough for a plug; its name is the file's."""
    settings = read_settings(written(tmp_path, "preset: shelly-gen2\nurl: http://10.0.0.7/\n"))

    assert settings.address == "http://10.0.0.7/rpc/Switch.GetStatus?id=0"
    assert (settings.power, settings.power_unit) == ("apower", "W")
    assert (settings.component, settings.proxy, settings.verify) == (Component.NODE, False, True)
    assert settings.uuid == "node:plug:10.0.0.7"


def test_one_file_serves_a_cluster(tmp_path: Path) -> None:
    """`{hostname}` is the machine that reads it, so that each asks its own controller."""
    path = written(tmp_path, "preset: redfish\nurl: https://{hostname}-bmc\nid: Self\n")

    settings = read_settings(path, hostname="node-7")

    assert settings.address == "https://node-7-bmc/redfish/v1/Chassis/Self/EnvironmentMetrics"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "got list; needed are lines"),
        ("url: [", "cannot be read as YAML"),
        ("url: http://a\npwoer: w", "a key is 'pwoer'; allowed: url, preset"),
        ("url: http://a\npreset: shely", "preset is 'shely'; allowed: shelly-gen1"),
        ("url: ftp://a\npower: w", "url is 'ftp://a'; allowed: http"),
        ("power: w", "url is ''; allowed: http"),
        ("url: http://a", "power is ''; allowed: where it stands"),
        ("url: http://a\npreset: prometheus", "query is ''"),
        ("url: http://a\npower: w\npower_unit: Watts", "power_unit is 'Watts'; allowed: W, mW"),
        ("url: http://a\npower: w\ncomponent: rack", "component is 'rack'; allowed: gpu, cpu"),
        ("url: http://a\npower: w\nevery_s: 0", "every_s is 0.0; allowed: a number above 0"),
        ("url: http://a\npower: w\ntimeout_s: soon", "timeout_s is 'soon'; allowed: a number"),
        ("url: http://a\npower: w\nproxy: 3", "proxy is 3; allowed: true or false"),
        ("url: http://a\npower: [w]", r"power is \['w'\]; allowed: one number or one text"),
    ],
)
def test_a_fault_is_named_with_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    """The file, the line's key, what was got, what is allowed."""
    with pytest.raises(SourceUnavailableError, match=message) as refusal:
        read_settings(written(tmp_path, text))

    assert "plug.yaml" in str(refusal.value)


def test_a_password_in_the_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """URLs stand in logs and manifests; credentials have a place of their own."""
    with pytest.raises(SourceUnavailableError, match="user_from and password_from") as refusal:
        read_settings(written(tmp_path, "url: http://ada:s3cret@10.0.0.7/\npower: w"))

    assert "s3cret" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As `--tracker gone.yaml` has it."""
    with pytest.raises(SourceUnavailableError, match=r"gone\.yaml: cannot be read"):
        read_settings(tmp_path / "gone.yaml")
