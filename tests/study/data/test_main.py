"""`python -m study.data`: exit status and what it prints."""

import subprocess
import sys
from pathlib import Path

import pytest

from study.data.__main__ import main
from tests.study.data.pamap2.pamap2_files import write_folder


@pytest.mark.slow
def test_sample_then_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sample passes its own check and is called synthetic; the next command is printed on one line."""
    folder = str(tmp_path / ("long-name-" * 9))

    wrote = main(["sample", "pamap2", "--data-dir", folder, "--rows-per-subject", "6000"])
    checked = main(["check", "pamap2", "--data-dir", folder])

    assert (wrote, checked) == (0, 0)
    printed = capsys.readouterr().out
    assert "no fault found" in printed
    assert "a synthetic sample" in printed
    assert f"\nNext: python -m study.regime --data-dir {folder}\n" in printed


@pytest.mark.slow
def test_faces_are_drawn_then_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CelebA sample passes `get` and is called synthetic; the next command begins as this one did."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "data"])
    folder = str(tmp_path / "s")

    wrote = main(["sample", "celeba", "--data-dir", folder, "--images", "3"])
    fetched = main(["get", "celeba", "--data-dir", folder])

    assert (wrote, fetched) == (0, 0)
    printed = capsys.readouterr().out
    assert "the 40 identities with most have 1" in printed
    assert "no fault found" in printed
    assert "a synthetic sample" in printed
    assert f"Next: power-of-training regime --scenario celeba --data-dir {folder}\n" in printed


def test_missing_parts_of_celeba_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each part is listed as there or missing, and the terms of use are printed."""
    (tmp_path / "identity_CelebA.txt").write_text("")

    status = main(["get", "celeba", "--data-dir", str(tmp_path)])

    printed = capsys.readouterr().out
    assert status == 1
    assert "non-commercial research only" in printed
    assert "missing img_align_celeba" in printed
    assert "there   identity_CelebA.txt" in printed


def test_faults_are_printed_and_end_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each fault is one line with its path; brackets in a path are not taken for markup."""
    data_dir = write_folder(tmp_path / "[red]")
    (data_dir / "Protocol" / "subject107.dat").write_text("1 2\n3 4\n")

    status = main(["check", "pamap2", "--data-dir", str(data_dir)])

    printed = capsys.readouterr().out
    path = data_dir / "Protocol" / "subject107.dat"
    assert status == 1
    assert f"fault: {path}, line 2: 2 columns instead of 54" in printed
    assert "2 fault(s) found" in printed


def test_wrong_options_end_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal of a folder is printed on stderr."""
    (tmp_path / "mine").write_text("")

    status = main(["sample", "pamap2", "--data-dir", str(tmp_path)])

    assert status == 2
    assert "may hold real data" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args",
    [[], ["get"], ["get", "nothing"], ["check", "pamap2"], ["sample", "pamap2", "--rows", "1"]],
)
def test_an_invalid_command_line_ends_with_2(args: list[str]) -> None:
    """An incomplete or unknown command line is refused before anything is done."""
    with pytest.raises(SystemExit) as caught:
        main(args)

    assert caught.value.code == 2


def test_an_unreachable_server_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message explains how to get the data by hand."""
    status = main(["get", "pamap2", "--data-dir", str(tmp_path), "--url", "nowhere"])

    assert status == 1
    assert "By hand" in capsys.readouterr().err


@pytest.mark.slow
def test_neither_torch_nor_ray_is_imported() -> None:
    """The command starts without the heavy packages."""
    code = "import sys, study.data.__main__; sys.exit(bool({'torch', 'ray', 'pandas'} & {*sys.modules}))"

    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0
