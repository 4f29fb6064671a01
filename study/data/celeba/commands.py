"""Commands of `python -m study.data` for CelebA: their options and output."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from study.data.celeba import format as form
from study.data.celeba import sample as celeba_sample
from study.data.celeba.check import check
from study.data.progress import progress_to
from study.errors import DataError
from trackers.terminal import as_started


@dataclass(frozen=True, slots=True, kw_only=True)
class Get:
    """Say what to download of CelebA by hand, and verify what is there.

    Nothing is downloaded: CelebA is shared through a form and a drive, and a person must accept its terms.

    Attributes:
        data_dir: Folder for the images and the lists.
    """

    data_dir: Path

    def run(self, console: Console) -> bool:
        """Print what is missing, or check the data if nothing is; return True if they can be used."""
        try:
            form.find_layout(self.data_dir)
        except DataError:
            console.print(as_started(form.how_to_get(self.data_dir)), soft_wrap=True, markup=False)
            for part in (form.IMAGE_FOLDER, form.IDENTITY_LIST, form.ATTRIBUTE_LIST):
                found = any(self.data_dir.rglob(part))
                mark = "[green]there[/]  " if found else "[red]missing[/]"
                console.print(f"  {mark} {part}")
            return False
        return Check(data_dir=self.data_dir).run(console)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Verify that a CelebA folder is complete and well-formed, and whether its lists are the published ones.

    The images of the 40 identities that a study uses are decoded.

    Attributes:
        data_dir: Folder with images and lists, or the folder above it (torchvision's `celeba`).
    """

    data_dir: Path

    def run(self, console: Console) -> bool:
        """Check the folder and print the findings; return True if the data can be used."""
        with console.status("Reading lists and images ...") as status, progress_to(status.update):
            report = check(self.data_dir)
        for fault in report.faults:
            console.print(f"[red]fault:[/] {escape(fault)}", soft_wrap=True)
        console.print(f"{escape(str(report.layout.root))}: {report.origin}", soft_wrap=True)
        if report.chosen:
            console.print(
                f"{report.images:,} images; the {form.IDENTITIES} identities with most have "
                f"{report.chosen:,}, {report.fewest} to {report.most} each"
            )
        if report.faults:
            console.print(f"[red]{len(report.faults)} fault(s)[/] found")
            return False
        console.print("[green]no fault[/] found")
        _say_next(self.data_dir, console)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Draw a synthetic CelebA in the real on-disk format; its studies are labelled `data: synthetic`.

    Attributes:
        data_dir: A new or empty folder, or one that this command wrote.
        identities: Number of identities, at least 40; those beyond 40 have fewer images.
        images: Smallest number of images of each of the 40 identities with most images.
        seed: Seed of the generator; the same seed and sizes give the same files.
    """

    data_dir: Path
    identities: int = celeba_sample.DEFAULT_IDENTITIES
    images: int = celeba_sample.DEFAULT_IMAGES
    seed: int = 0

    def run(self, console: Console) -> bool:
        """Write the sample and print where; return True."""
        with console.status("Drawing faces ...") as status, progress_to(status.update):
            folder = celeba_sample.write_sample(
                self.data_dir, identities=self.identities, images=self.images, seed=self.seed
            )
        files = [*folder.rglob("*.jpg")]
        size = sum(file.stat().st_size for file in files)
        console.print(
            f"[green]Synthetic sample written:[/] {escape(str(folder))}, {len(files):,} images, "
            f"{size / 1e6:,.0f} MB",
            soft_wrap=True,
        )
        _say_next(self.data_dir, console)
        return True


def _say_next(data_dir: Path, console: Console) -> None:
    """Print the command to run next, in one line that can be copied."""
    following = as_started(
        f"python -m study.regime --scenario celeba --data-dir {shlex.quote(str(data_dir))}"
    )
    console.print(f"Next: {escape(following)}", soft_wrap=True)
