"""Carbon intensity by the hours of a study, asked of a server on loopback; what making a board adds."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from analysis.advice.carbon import factors_of
from analysis.advice.footprint_text import embodied_text
from analysis.advice.live_carbon import hourly_shares, live_intensity
from analysis.choices import Choices
from analysis.errors import AnalysisError
from analysis.read.load import Study, load
from tests.analysis.study_folder import constant, grid, write_study
from trackers.carbon import hourly

HOUR = 490_000
"""Some hour since 1970."""


class Grid(http.server.ThreadingHTTPServer):
    """Tells an intensity for each hour that it is asked for.

    Attributes:
        intensities: By hour; others it does not know.
        asked: What it was asked, and with which key.
        zone: Stands behind the times that it tells.
    """

    def __init__(self) -> None:
        """Listen on loopback."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.intensities: dict[int, float] = {}
        self.asked: list[tuple[dict[str, list[str]], str | None]] = []
        self.zone = "Z"

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.server_address[1]}/v3/carbon-intensity/past-range"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer as Electricity Maps does."""
        server = self.server
        assert isinstance(server, Grid)
        asked = parse_qs(urlsplit(self.path).query)
        server.asked.append((asked, self.headers.get("auth-token")))
        start, end = (
            int(datetime.fromisoformat(asked[name][0]).timestamp()) // 3600
            for name in ("start", "end")
        )
        rows = [
            {
                "datetime": datetime.fromtimestamp(hour * 3600, UTC).strftime(
                    "%Y-%m-%dT%H:%M:%S.000"
                )
                + server.zone,
                "carbonIntensity": value,
            }
            for hour, value in server.intensities.items()
            if start <= hour < end
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"zone": "DE", "data": rows}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Grid]:
    """A server that runs while a test does."""
    hourly.hourly_g_per_kwh.cache_clear()
    with Grid() as grid_server:
        thread = threading.Thread(
            target=grid_server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        yield grid_server
        grid_server.shutdown()
        thread.join()


def study(folder: Path, powers_w: dict[int, float]) -> Study:
    """A study that drew these powers in these hours."""
    write_study(folder, grid([64], [0.1]), [constant(1, 3600.0, 0.9)])
    log = [(hour * 3600.0 + 60.0 * minute, w) for hour, w in powers_w.items() for minute in (1, 2)]
    if log:
        pd.DataFrame(log, columns=["unix_time_s", "power_w"]).to_parquet(folder / "power.parquet")
    return load(folder)


def test_the_intensity_is_the_mean_by_energy_of_the_hours(tmp_path: Path, server: Grid) -> None:
    """300 W at 100 g and 100 W at 500 g are 200 g; the hours stand in the source."""
    server.intensities = {HOUR: 100.0, HOUR + 1: 500.0, HOUR + 2: 999.0}

    mean, source = live_intensity(
        study(tmp_path / "a", {HOUR: 300.0, HOUR + 1: 100.0}), server.url, ""
    )

    assert mean == 200.0
    assert source == f"{server.url}, by 2 hours of the study"
    (asked, key) = server.asked[0]
    assert (asked["start"], asked["end"]) == (["2025-11-24T16:00:00Z"], ["2025-11-24T18:00:00Z"])
    assert key is None


def test_hours_that_are_not_known_are_said(tmp_path: Path, server: Grid) -> None:
    """The mean is of the others."""
    server.intensities = {HOUR: 100.0}

    mean, source = live_intensity(study(tmp_path / "a", {HOUR: 1.0, HOUR + 1: 1.0}), server.url, "")

    assert mean == 100.0
    assert "1 hour of the study of 2: the others are not known" in source


def test_electricity_maps_is_asked_with_zone_and_key(
    tmp_path: Path, server: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zone is that of the word, else the country's; the key comes from the environment."""
    monkeypatch.setattr(hourly, "SERVER", server.url)
    monkeypatch.setenv(hourly.TOKEN, "a key")
    server.intensities = {HOUR: 300.0}
    used = study(tmp_path / "a", {HOUR: 1.0})

    by_country = live_intensity(used, "electricitymaps", "FR")
    by_word = live_intensity(used, "electricitymaps:DE", "FR")

    assert by_country == (300.0, "electricitymaps FR, by 1 hour of the study")
    assert by_word == (300.0, "electricitymaps:DE, by 1 hour of the study")

    assert [(asked["zone"], key) for asked, key in server.asked] == [
        *((["FR"], "a key"), (["DE"], "a key"))
    ]


def test_a_password_stands_in_no_report(tmp_path: Path, server: Grid) -> None:
    """The source is printed with the advice: without user, password and key."""
    server.intensities = {HOUR: 300.0}
    address = server.url.replace("//", "//me:secret@")

    mean, source = live_intensity(study(tmp_path / "a", {HOUR: 1.0}), f"{address}?key=secret", "")

    assert (mean, source) == (300.0, f"{server.url}, by 1 hour of the study")


@pytest.mark.parametrize("value", [float("nan"), -1.0, True, "302", None])
def test_what_is_no_number_of_grams_is_refused(tmp_path: Path, server: Grid, value: object) -> None:
    """An hour that makes no sense is not averaged away by the others; no password in what is said."""
    server.intensities = {HOUR: 300.0, HOUR + 1: value}  # type: ignore[dict-item]
    address = server.url.replace("//", "//me:secret@")

    with pytest.raises(AnalysisError, match="tells something else") as refused:
        live_intensity(study(tmp_path / "a", {HOUR: 1.0, HOUR + 1: 1.0}), address, "")

    assert "secret" not in str(refused.value)


def test_a_time_without_a_zone_is_refused(tmp_path: Path, server: Grid) -> None:
    """In this machine's own zone it would be another hour than in the server's."""
    server.intensities, server.zone = {HOUR: 300.0}, ""

    with pytest.raises(AnalysisError, match="names no time zone"):
        live_intensity(study(tmp_path / "a", {HOUR: 1.0}), server.url, "")


def test_the_key_is_told_to_no_other_server(
    tmp_path: Path, server: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one of Electricity Maps, and whoever runs another server could use it."""
    monkeypatch.setenv(hourly.TOKEN, "a key")
    server.intensities = {HOUR: 300.0}

    live_intensity(study(tmp_path / "a", {HOUR: 1.0}), server.url, "")

    assert [key for _, key in server.asked] == [None]


def test_a_long_study_is_asked_for_in_parts(tmp_path: Path, server: Grid) -> None:
    """Ten days at a time, and each hour once."""
    last = HOUR + 24 * 25
    server.intensities = dict.fromkeys(range(HOUR, last + 1), 50.0)

    mean, source = live_intensity(study(tmp_path / "a", {HOUR: 1.0, last: 1.0}), server.url, "")

    assert mean == 50.0
    assert "2 hours" in source
    assert len(server.asked) == 3


def test_without_a_power_log_hours_count_alike(tmp_path: Path) -> None:
    """From the beginning of a study to its end."""
    shares = hourly_shares(study(tmp_path / "a", {}))

    assert sum(shares.values()) == pytest.approx(1.0)
    assert len(set(shares.values())) == 1


@pytest.mark.parametrize(
    ("word", "zone", "said"),
    [
        ("electricitymaps:DE", "", "ELECTRICITYMAPS_TOKEN is not set"),
        ("http://127.0.0.1:9/x", "", "cannot be reached"),
    ],
)
def test_what_is_in_the_way_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, zone: str, said: str
) -> None:
    """With what to do instead."""
    monkeypatch.delenv(hourly.TOKEN, raising=False)
    hourly.hourly_g_per_kwh.cache_clear()

    with pytest.raises(AnalysisError, match=said):
        live_intensity(study(tmp_path / "a", {HOUR: 1.0}), word, zone)


def test_a_server_that_knows_nothing_is_no_zero(tmp_path: Path, server: Grid) -> None:
    """No gas is made up where nothing is told."""
    with pytest.raises(
        AnalysisError, match="returned no data for the 1 hour from 2025-11-24 16:00 UTC"
    ):
        live_intensity(study(tmp_path / "a", {HOUR: 1.0}), server.url, "")


def test_the_recommendation_has_it(tmp_path: Path, server: Grid) -> None:
    """As an option of the analysis, asked for by nobody else."""
    server.intensities = {HOUR: 250.0}
    folder = study(tmp_path / "a", {HOUR: 1.0}).path
    choices = Choices(carbon_intensity=server.url, embodied="164/5:NVIDIA")

    choices.check()
    assert server.asked == []

    said = choices.analysed(folder).recommendation.text
    assert f"250 g/kWh ({server.url}, by 1 hour of the study)" in said
    assert "164 kg over 5 years of use (NVIDIA)" in said


def test_making_a_board_is_shared_by_time() -> None:
    """A year of five is a fifth of it."""
    factors = factors_of(embodied="100/5:somebody's table")

    assert factors is not None
    assert factors.embodied is not None
    assert factors.embodied.share_g(365.25 * 24 * 3600) == pytest.approx(20_000)
    assert "adds 20.0 kg CO2e to each" in embodied_text(365.25 * 24 * 3600, factors.embodied)


@pytest.mark.parametrize("text", ["164", "164/0", "x/5", "-1/5", "1/inf", ""])
def test_other_words_for_it_are_refused(text: str) -> None:
    """With what is allowed."""
    with pytest.raises(AnalysisError, match="allowed: KG/YEARS:SOURCE"):
        factors_of(embodied=text)


def test_a_word_that_is_no_intensity_is_refused() -> None:
    """Neither grams nor a server."""
    with pytest.raises(AnalysisError, match="allowed: grams per kWh"):
        Choices(carbon_intensity="germany").check()
