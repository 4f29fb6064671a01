"""A run's account in files: checks before the run, and rows that fit their columns."""

import csv
from pathlib import Path

import pytest

from trackers.output_files import OutputFileError, check_writable
from trackers.run.account import Account, AccountLine
from trackers.run.command import main
from trackers.run.files import COLUMNS, append_csv, check_table
from trackers.sample import Component, Method


def line(*components: Component, energy_j: float | None = None) -> AccountLine:
    """A line of an account."""
    return AccountLine(
        components=components,
        energy_j=energy_j,
        mean_power_w=None,
        peak_power_w=None,
        methods=() if energy_j is None else (Method.COUNTER,),
        devices=(),
        is_whole=False,
        note="",
    )


def run_of(*command: str) -> Account:
    """The account of a run of which only the CPU's energy is known."""
    return Account(
        command=command,
        status=0,
        duration_s=2.0,
        lines=tuple(
            line(each, energy_j=5.0 if each is Component.CPU else None) for each in Component
        ),
        total=line(Component.CPU, energy_j=5.0),
        g_co2e=None,
    )


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a table, by column."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_of_runs_fit_their_columns(tmp_path: Path) -> None:
    """An unknown value is an empty field, so that each row is complete."""
    path = tmp_path / "runs.csv"

    for name in ("first", "second"):
        append_csv(run_of(name), path)

    assert [each["command"] for each in rows(path)] == ["first", "second"]
    assert {each["cpu_energy_j"] for each in rows(path)} == {"5.0"}
    assert {each["gpu_energy_j"] for each in rows(path)} == {""}


@pytest.mark.parametrize("begun", ["", "no end of line"])
def test_an_incomplete_table_is_continued(tmp_path: Path, begun: str) -> None:
    """An empty file gets its header, and a last line without an end is ended first."""
    path = tmp_path / "runs.csv"
    path.touch()
    if begun:
        append_csv(run_of("first"), path)
        path.write_bytes(path.read_bytes().rstrip(b"\r\n"))

    append_csv(run_of("second"), path)

    assert [each["command"] for each in rows(path)] == (["first"] if begun else []) + ["second"]


def test_an_argument_that_cannot_be_encoded_loses_no_row(tmp_path: Path) -> None:
    """A file name is bytes in any encoding; what is no UTF-8 is escaped."""
    path = tmp_path / "runs.csv"

    append_csv(run_of("train", "na\udce9ve.yaml"), path)

    assert "na\\udce9ve" in rows(path)[0]["command"]


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    """A row would not fit such a table. Our own columns are accepted, also after a byte order mark."""
    path = tmp_path / "emissions.csv"
    path.write_text("timestamp,project_name,duration\n1,mine,2\n", encoding="utf-8")

    with pytest.raises(
        OutputFileError, match=r"emissions\.csv has other columns .*'timestamp,project"
    ):
        check_table(path)

    path.write_text("\ufeff" + ",".join(COLUMNS) + "\r\n", encoding="utf-8")
    check_table(path)
    check_table(tmp_path / "new.csv")


@pytest.mark.parametrize(
    ("place", "message"),
    [("none/run.json", "there is no folder .*none; make it"), (".", "it is a folder; give the")],
)
def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path, place: str, message: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(OutputFileError, match=message):
        check_writable(tmp_path / place, option="--json")


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_command_does_not_run_if_its_account_cannot_be_written(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise hours of measuring could end in an error."""
    done = tmp_path / "done"

    status = main([option, str(tmp_path / "none" / "run"), "--", "touch", str(done)])

    assert status == 2
    assert not done.exists()
    assert f"trackers: {option} " in capsys.readouterr().err
