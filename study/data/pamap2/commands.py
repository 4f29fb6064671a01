"""Commands of `python -m study.data` for PAMAP2: their options and output."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from study.data.pamap2 import sample as pamap2_sample
from study.data.pamap2.check import check
from study.data.pamap2.get import UCI_URL, fetch
from trackers.terminal import as_started


@dataclass(frozen=True, slots=True, kw_only=True)
class Get:
    """Download PAMAP2 from UCI (0.7 GB, 3.3 GB while unpacking) and verify each file's sha256.

    An interrupted download is continued by running the same command again.

    Attributes:
        data_dir: Folder to put PAMAP2_Dataset into.
        url: Address of the archive. Its Protocol files must be the published ones wherever it comes from,
            unless --sha256 is given.
        sha256: SHA-256 of the archive, which the downloaded one must have; files in it that are not the
            published ones then only cause a warning.
    """

    data_dir: Path
    url: Annotated[str, tyro.conf.arg(metavar="URL")] = UCI_URL
    sha256: Annotated[str | None, tyro.conf.arg(metavar="HEX", help_behavior_hint="")] = None

    def run(self, console: Console) -> bool:
        """Download and verify the data set, and print the outcome; return True."""
        with Progress(
            *Progress.get_default_columns()[:2],
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        ) as shown:
            task = shown.add_task("pamap2", total=None)
            fetched = fetch(
                self.data_dir,
                url=self.url,
                sha256=self.sha256,
                progress=lambda done, total: shown.update(task, completed=done, total=total),
            )
            shown.update(task, visible=not fetched.already_there)
        if fetched.modified:
            console.print(
                f"[yellow]Warning:[/] files of subjects {fetched.modified} are not the published "
                "ones; taken because the archive has the given sha256."
            )
        state = "already there" if fetched.already_there else "ready"
        origin = "" if fetched.modified else ", all nine Protocol files verified"
        console.print(
            f"[green]PAMAP2 is {state}:[/] {escape(str(fetched.folder))}{origin}", soft_wrap=True
        )
        _say_next(self.data_dir, console)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Verify that a PAMAP2 folder is complete and well-formed, and whether it is what UCI publishes.

    Attributes:
        data_dir: The unpacked PAMAP2_Dataset, the folder above it, or its Protocol folder.
    """

    data_dir: Path

    def run(self, console: Console) -> bool:
        """Check the folder and print the findings; return True if the data can be used."""
        with console.status("Reading nine files ..."):
            report = check(self.data_dir)
        for fault in report.faults:
            console.print(f"[red]fault:[/] {escape(str(fault))}", soft_wrap=True)
        console.print(f"{escape(str(report.protocol))}: {report.origin}", soft_wrap=True)
        verdict = (
            f"[red]{len(report.faults)} fault(s)[/]" if report.faults else "[green]no fault[/]"
        )
        console.print(f"{verdict} found")
        return not report.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Write a synthetic PAMAP2 in the real on-disk format; its studies are labelled `data: synthetic`.

    Attributes:
        data_dir: A new or empty folder, or one that this command wrote.
        rows_per_subject: Number of rows (100 per second) of each subject but 109, who did only one activity
            and has fewer; 358007 gives the size of the real data set: 2.87 million rows, 1.3 GB.
        seed: Seed of the generator; the same seed and size give the same files.
    """

    data_dir: Path
    rows_per_subject: int = pamap2_sample.DEFAULT_ROWS
    seed: int = 0

    def run(self, console: Console) -> bool:
        """Write the sample and print where; return True."""
        with console.status("Writing nine files ..."):
            protocol = pamap2_sample.write_sample(
                self.data_dir, rows_per_subject=self.rows_per_subject, seed=self.seed
            )
        size = sum(file.stat().st_size for file in protocol.iterdir())
        console.print(
            f"[green]Synthetic sample written:[/] {escape(str(protocol))}, {size / 1e6:,.0f} MB",
            soft_wrap=True,
        )
        _say_next(self.data_dir, console)
        return True


def _say_next(data_dir: Path, console: Console) -> None:
    """Print the command to run next, in one line that can be copied."""
    following = as_started(f"python -m study.regime --data-dir {shlex.quote(str(data_dir))}")
    console.print(f"Next: {escape(following)}", soft_wrap=True)
