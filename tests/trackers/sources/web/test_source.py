"""Plugs, management controllers and Prometheus as servers on loopback."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trackers.sources.web.json_server import JsonServer, serving
from tests.trackers.sources.web.plug import NOW_S, PLUG, described, opened, plug
from tests.waiting import PATIENCE_S
from trackers.errors import (
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component
from trackers.sources.detect import Request, detect
from trackers.sources.web.settings import read_settings

PRESET_ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "shelly-gen1": ({}, {"/status": {"meters": [{"power": 83.5, "total": 125}]}}),
    "shelly-gen2": ({"id": 1}, {"/rpc/Switch.GetStatus?id=1": {"apower": 83.5}}),
    "tasmota": (
        {},
        {"/cm?cmnd=Status%2010": {"StatusSNS": {"ENERGY": {"Power": 83.5, "Total": 1.2}}}},
    ),
    "redfish": (
        {"id": "Self"},
        {"/redfish/v1/Chassis/Self/EnvironmentMetrics": {"PowerWatts": {"Reading": 83.5}}},
    ),
    "redfish-power": (
        {},
        {"/redfish/v1/Chassis/1/Power": {"PowerControl": [{"PowerConsumedWatts": 83.5}]}},
    ),
    "prometheus": (
        {"query": 'p{a="b"}', "power_unit": "mW"},
        {
            "/api/v1/query?query=p%7Ba%3D%22b%22%7D": {
                "data": {"result": [{"metric": {}, "value": [NOW_S - 0.5, "83500"]}]}
            }
        },
    ),
}


@pytest.mark.parametrize("preset", PRESET_ANSWERS)
def test_a_preset_knows_where_the_power_stands(tmp_path: Path, preset: str) -> None:
    """Of each named server the path, the place in its answer and the unit."""
    lines, answers = PRESET_ANSWERS[preset]
    with serving(answers) as server:
        settings = read_settings(described(tmp_path, preset=preset, url=server.url, **lines))
        source = opened(settings)

        (device,) = source.devices()
        seen = source.observe(device.uuid, counter=True)

        assert seen.power_w == pytest.approx(83.5)
        assert seen.counter_j is None
        assert seen.time_s == pytest.approx(7 - (0.5 if preset == "prometheus" else 0))
        assert device.component is Component.NODE
        source.close()


def test_a_server_of_ones_own_is_described_by_its_lines(tmp_path: Path) -> None:
    """Place, unit, component, and a counter beside the power."""
    with serving({"/power": {"psu": [{"in": 0.25}], "total": 0.5}}) as server:
        path = described(
            tmp_path,
            url=f"{server.url}/power",
            power="psu.0.in",
            power_unit="kW",
            energy="total",
            energy_unit="kWh",
            component="cpu",
            name="rack",
        )

        source = opened(read_settings(path))

        (device,) = source.devices()
        seen = source.observe(device.uuid, counter=True)
        assert (seen.power_w, seen.counter_j) == (250, 0.5 * 3.6e6)
        assert device.uuid == f"cpu:rack:{server.url.removeprefix('http://')}"
        source.close()


def test_a_file_is_a_tracker(tmp_path: Path) -> None:
    """`--tracker plug.yaml` opens it, beside others."""
    with serving({PLUG: {"apower": 83.5}}) as server:
        path = described(tmp_path, preset="shelly-gen2", url=server.url, every_s=0.05)

        detection = detect(Request(tracker=(str(path), "estimate")))

        assert [each.component for each in detection.devices] == [Component.NODE, Component.CPU]
        detection.close()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda server: setattr(server, "status", 503), "answers 503"),
        (lambda server: server.answers.update({PLUG: "<html>"}), "Expecting value"),
        (lambda server: server.answers.update({PLUG: {"output": True}}), "no apower.*output"),
        (lambda server: server.answers.update({PLUG: {"apower": None}}), "apower is None"),
        (lambda server: server.answers.update({PLUG: {"apower": True}}), "apower is True"),
        (lambda server: server.answers.update({PLUG: {"apower": -3}}), "power_w is -3"),
        (lambda server: server.answers.update({PLUG: {"apower": "NaN"}}), "apower is 'NaN'"),
    ],
)
def test_what_is_no_power_is_a_gap(
    tmp_path: Path, fault: Callable[[JsonServer], None], message: str
) -> None:
    """Broken, missing or impossible: a failed reading, and the next may succeed."""
    with plug(tmp_path) as (server, settings):
        source = opened(settings)
        fault(server)

        with pytest.raises(ReadError, match=message):
            source.observe(settings.uuid, counter=False)

        server.answers[PLUG], server.status = {"apower": 60.0}, 200
        assert source.observe(settings.uuid, counter=False).power_w == 60
        source.close()


def test_a_value_that_is_old_is_a_gap(tmp_path: Path) -> None:
    """Prometheus tells the last scrape for minutes; its time says how old it is."""
    lines, answers = PRESET_ANSWERS["prometheus"]
    with serving(answers) as server:
        settings = read_settings(described(tmp_path, preset="prometheus", url=server.url, **lines))
        source = opened(settings)
        (path,) = answers
        server.answers = {path: {"data": {"result": [{"value": [NOW_S - 60, "83500"]}]}}}

        with pytest.raises(ReadError, match=r"60\.0 s old"):
            source.observe(settings.uuid, counter=False)
        source.close()


def test_of_several_answers_none_is_taken_at_random(tmp_path: Path) -> None:
    """A query that fits eight boards is refused."""
    lines, _ = PRESET_ANSWERS["prometheus"]
    result = [{"value": [NOW_S, "1"]}] * 8
    with serving(
        {"/api/v1/query?query=p%7Ba%3D%22b%22%7D": {"data": {"result": result}}}
    ) as server:
        path = described(tmp_path, preset="prometheus", url=server.url, **lines)

        with pytest.raises(SourceUnavailableError, match="narrow the query"):
            opened(read_settings(path))


def test_credentials_come_from_the_environment_and_stand_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """User and password, or a token; not in the note, a message or a log."""
    caplog.set_level("DEBUG")
    environment = {"BMC_USER": "ada", "BMC_PASSWORD": "s3cret"}
    with serving({PLUG: {"apower": 1.5}}, credentials=("ada", "s3cret")) as server:
        lines = {"url": server.url, "path": PLUG, "power": "apower"}
        without = read_settings(described(tmp_path, **lines))
        settings = read_settings(
            described(tmp_path, **lines, user_from="BMC_USER", password_from="BMC_PASSWORD")  # noqa: S106
        )
        with pytest.raises(SourcePermissionError, match="answers 401: give the names"):
            opened(without)
        with pytest.raises(SourceUnavailableError, match="BMC_PASSWORD is not set"):
            opened(settings, environment={"BMC_USER": "ada"})

        source = opened(settings, environment=environment)

        assert source.observe(settings.uuid, counter=False).power_w == 1.5
        shown = f"{source.note} {settings} {source.devices()} {caplog.text}"
        assert "s3cret" not in shown
        source.close()


def test_a_token_is_sent(tmp_path: Path) -> None:
    """As Prometheus behind a proxy asks for it."""
    with serving({PLUG: {"apower": 1.5}}, token="t0ken") as server:  # noqa: S106 - made up
        settings = read_settings(
            described(tmp_path, url=server.url, path=PLUG, power="apower", token_from="TOKEN")  # noqa: S106
        )

        source = opened(settings, environment={"TOKEN": "t0ken"})

        assert source.observe(settings.uuid, counter=False).power_w == 1.5
        source.close()


def test_no_proxy_is_used_unless_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plug beside the machine is behind no proxy, whatever HTTP_PROXY says."""
    with serving({}) as proxy, plug(tmp_path) as (server, settings):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        opened(settings).close()
        told = read_settings(described(tmp_path, preset="shelly-gen2", url=server.url, proxy=True))
        with pytest.raises(SourceUnavailableError, match="answers 404"):
            opened(told)

        assert len(proxy.asked) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_certificate_is_checked_unless_that_is_turned_off(tmp_path: Path) -> None:
    """Controllers have certificates of their own: name who signs, or say that it is not checked."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=bmc"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
        env={**os.environ, "RANDFILE": str(tmp_path / "rnd")},
    )
    with serving({"/": {"w": 5}}, certificate=(certificate, key)) as server:
        lines = {"url": f"{server.url}/", "power": "w"}
        with pytest.raises(SourceUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
            opened(read_settings(described(tmp_path, **lines)))
        for verify in (False, str(certificate)):
            source = opened(read_settings(described(tmp_path, **lines, verify=verify)))

            assert source.observe(source.devices()[0].uuid, counter=False).power_w == 5
            source.close()
        with pytest.raises(SourceUnavailableError, match="verify is"):
            opened(read_settings(described(tmp_path, **lines, verify="gone.pem")))


def test_another_device_is_unknown(tmp_path: Path) -> None:
    """The message has the one there is."""
    with plug(tmp_path) as (_, settings):
        source = opened(settings)
        with pytest.raises(UnknownDeviceError, match="node:plug:127"):
            source.observe("GPU-1", counter=False)
        source.close()
