"""`python -m study.data`: exit status and what it prints."""

import subprocess
import sys
from pathlib import Path

import pytest

from study.data.__main__ import main
from tests.study.data.pamap2.pamap2_files import write_folder


@pytest.mark.slow
def test_sample_then_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sample is written, found to be without fault, called synthetic, and the next command is one line."""
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
    """A CelebA sample is written, found to be without fault, called synthetic; what is next is named as it was started."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "data"])
    folder = str(tmp_path / "s")

    wrote = main(["sample", "celeba", "--data-dir", folder, "--images", "3"])
    got = main(["get", "celeba", "--data-dir", folder])

    assert (wrote, got) == (0, 0)
    printed = capsys.readouterr().out
    assert "the 40 identities with most have 1" in printed
    assert "no fault found" in printed
    assert "a synthetic sample" in printed
    assert f"Next: power-of-training regime --scenario celeba --data-dir {folder}\n" in printed


def test_what_of_celeba_is_to_be_fetched_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each part is there or missing; the terms are for a person to accept."""
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
    """Each fault is one line with its path; brackets in a path are no markup."""
    data_dir = write_folder(tmp_path / "[red]")
    (data_dir / "Protocol" / "subject107.dat").write_text("1 2\n3 4\n")

    status = main(["check", "pamap2", "--data-dir", str(data_dir)])

    printed = capsys.readouterr().out
    path = data_dir / "Protocol" / "subject107.dat"
    assert status == 1
    assert f"fault: {path}, line 2: 2 columns instead of 54" in printed
    assert "2 fault(s) found" in printed


def test_wrong_options_end_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused folder is told on the error stream."""
    (tmp_path / "mine").write_text("")

    status = main(["sample", "pamap2", "--data-dir", str(tmp_path)])

    assert status == 2
    assert "may hold real data" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args",
    [[], ["get"], ["get", "nothing"], ["check", "pamap2"], ["sample", "pamap2", "--rows", "1"]],
)
def test_what_cannot_be_understood_ends_with_2(args: list[str]) -> None:
    """An incomplete or unknown command line is refused before anything is done."""
    with pytest.raises(SystemExit) as caught:
        main(args)

    assert caught.value.code == 2


def test_an_unreachable_server_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An address that cannot be used is told with the way to do it by hand."""
    status = main(["get", "pamap2", "--data-dir", str(tmp_path), "--url", "nowhere"])

    assert status == 1
    assert "By hand" in capsys.readouterr().err


@pytest.mark.slow
def test_neither_torch_nor_ray_is_imported() -> None:
    """The command starts without the heavy packages."""
    code = "import sys, study.data.__main__; sys.exit(bool({'torch', 'ray', 'pandas'} & {*sys.modules}))"

    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0
