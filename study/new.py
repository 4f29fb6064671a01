"""`python -m study.new mine.py --kind regression`: write a scenario to start from, trainable as it is."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources, util
from pathlib import Path
from typing import Annotated, Literal

import tyro

from study.errors import OptionError, StudyError
from trackers import terminal
from trackers.terminal import as_started


@dataclass(frozen=True, kw_only=True)
class NewOptions:
    """Options of `study.new`.

    Attributes:
        file: File to write; it must not exist yet.
        kind: classification (arrays), regression (a table), several (outputs at once), images (a folder,
            read by data loader workers), or text (a language model).
    """

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE.py")]]
    kind: Literal["classification", "regression", "several", "images", "text"] = "classification"


def written(options: NewOptions) -> Path:
    """Write the scenario and return the path of its file.

    Raises:
        OptionError: The file exists already, is not a Python file, would shadow a module, or cannot be
            written.
    """
    if options.file.suffix != ".py":
        message = f"{options.file} does not end with .py; --scenario takes Python files."
        raise OptionError(message)
    stem = options.file.stem
    spec = util.find_spec(stem) if stem.isidentifier() else None
    if spec is not None and spec.origin not in (None, str(options.file.absolute())):
        message = (
            f"{options.file} would be taken for the module `{stem}` by every program that is started in its "
            "folder; name another file."
        )
        raise OptionError(message)
    text = resources.files("study.templates").joinpath(f"{options.kind}.py").read_text("utf-8")
    try:
        with options.file.open("x", encoding="utf-8") as file:
            file.write(as_started(text).replace("FILE:Mine", _scenario(options.file)))
    except FileExistsError as error:
        message = f"{options.file} is there already; name another file."
        raise OptionError(message) from error
    except OSError as error:
        message = (
            f"{options.file} cannot be written ({error.strerror or error}); name another file."
        )
        raise OptionError(message) from error
    return options.file


def _scenario(file: Path) -> str:
    """Return the value of `--scenario` for a file, quoted for a shell."""
    return shlex.quote(f"{file}:Mine")


def main(args: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    options = tyro.cli(
        NewOptions,
        prog=as_started("python -m study.new"),
        description="Write a scenario to begin with; it trains on something small as it stands.",
        args=args,
    )
    try:
        path = written(options)
    except StudyError as error:
        sys.stderr.write(f"study.new: {error}\n")
        return terminal.REFUSED
    following = as_started(f"python -m study.regime --scenario {_scenario(path)} --smoke")
    sys.stdout.write(
        f"{path} is written. It trains as it stands; change load, network, loss and metrics to yours:\n"
        f"  {following}\n"
    )
    return terminal.FINISHED


if __name__ == "__main__":
    sys.exit(terminal.run(main))
