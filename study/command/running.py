"""The frame of all study commands: a command line in, a study, its analysis, an exit status out."""

import atexit
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, final

from rich.console import Console

from study.command.exit_status import SOME_FAILED, exit_status
from study.command.parsing import command_line, parse
from study.design import Design, StudyOutcome
from study.exports.study_exports import exports_of
from study.machines.local.early_ray import EarlyRay, early_ray
from study.machines.local.guardian import MARK
from study.machines.own_packages import find_ours
from study.options import StudyOptions
from study.store.folder import StudyFolder
from study.training.loading import quickly_loading
from trackers.terminal import FINISHED, INTERRUPTED, as_started

if TYPE_CHECKING:
    from study.execution.trial_source import TrialSource


def main(
    design: Design,
    *,
    program: str,
    description: str,
    args: Sequence[str],
    options_of: type[StudyOptions] = StudyOptions,
) -> int:
    """Run a study command.

    Args:
        design: The kind of study.
        program: The module behind `python -m`.
        description: First lines of its `--help`.
        args: The command line behind the program's name.
        options_of: The options that it takes.

    Returns:
        The exit status.
    """
    console = Console()
    report = ReportProcess()
    find_ours()

    def run() -> int:
        options = parse(options_of, program=program, description=description, args=args)
        with early_ray(options) as early:
            with quickly_loading():
                from study.repeats.source import source_of  # noqa: PLC0415 - Ray, as in `carried_out`

            outcome, reported = carried_out(
                design,
                options,
                source=source_of(options),
                command=command_line(program, args),
                console=console,
                report=report,
                early=early,
            )
        return ending(outcome, console, reported=reported)

    return exit_status(program, run, on_interrupt=report.cut)


def carried_out(
    design: Design,
    options: StudyOptions,
    *,
    source: "TrialSource",
    command: tuple[str, ...],
    console: Console,
    report: "ReportProcess",
    early: EarlyRay | None = None,
) -> tuple[StudyOutcome, bool]:
    """Run a study to its report, and hand both to its exporters.

    Args:
        design: The kind of study.
        options: Its options.
        source: Where its trials come from.
        command: As it was typed.
        console: Where it is told.
        report: Makes the report.
        early: A local Ray whose start has begun.

    Returns:
        What came of it, and whether nobody interrupted the report.

    Raises:
        StudyError: Something the user can mend; no trial was started.
    """
    # Ray and torch take seconds to load; a wrong option and --help need not wait for them.
    with quickly_loading():
        from study.execution.launch import run_study  # noqa: PLC0415

    with exports_of(options.log, say=sayer(console)) as exports:
        report.wanted = not options.no_report
        outcome = run_study(
            design,
            options,
            command=command,
            console=console,
            source=source,
            exports=exports,
            written=report.begin,
            early=early,
        )
        reported = report.ended()
        exports.keep(outcome.folder)
    return outcome, reported


REPORT = """
import json, runpy, sys
from trackers.node.orphans import end_with_parent
end_with_parent(int(sys.argv.pop(1)))
sys.orig_argv = json.loads(sys.argv.pop(1))
runpy.run_module("analysis", run_name="__main__", alter_sys=True)
"""
"""What the process of the report runs, which ends with the command whatever ends that, and names our
commands as that was started."""


def sayer(console: Console) -> Callable[[str], None]:
    """Return what shows a sentence on a console, as it is."""
    return partial(console.print, style="dim", soft_wrap=True, markup=False, highlight=False)


@final
class ReportProcess:
    """Prints tables, ranking and recommendation, and writes the report.

    In a process of its own, so that `study` does not depend on `analysis`, and a report that fails
    or is interrupted takes nothing from the study.

    Attributes:
        wanted: Whether it is to be made.
    """

    def __init__(self) -> None:
        """Begin nothing yet."""
        self.wanted = True
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = ""

    def begin(self, folder: StudyFolder) -> None:
        """Begin with a study that is written, while its Ray is shut down.

        Args:
            folder: Of the study.
        """
        self._folder = folder.path
        if not (self.wanted and folder.is_local):
            return
        packages = str(Path(__file__).parents[2])
        paths = [packages, *filter(None, [os.environ.get("PYTHONPATH")])]
        # It is no process of the study's Ray, all of which are ended with it.
        env = {name: value for name, value in os.environ.items() if name != MARK}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                # Not the working folder first: it may hold an `analysis` of its own.
                [
                    *(sys.executable, "-P", "-c", REPORT, str(os.getpid())),
                    *(json.dumps(sys.orig_argv), folder.path),
                ],
                env={**env, "PYTHONPATH": os.pathsep.join(paths)},
            )
        except OSError as error:  # no process or memory is left; the study is written
            sys.stderr.write(f"no report ({error.strerror or error}); {self._by_hand()}\n")

    def ended(self) -> bool:
        """Wait for its end, and return whether nobody interrupted it."""
        if self._process is None:
            return True
        try:
            interrupted = self._process.wait() in {INTERRUPTED, -signal.SIGINT}
        except KeyboardInterrupt:
            interrupted = True
        if interrupted:
            self.cut()
        return not interrupted

    def cut(self) -> bool:
        """End it, because somebody interrupts the command, and return whether the study was written."""
        if self._process is None or self._process.poll() == 0:  # it is not wanted, or made
            return bool(self._folder)
        self._process.kill()  # a terminal has told it too, but others may not have
        self._process.wait()
        sys.stderr.write(f"no report; {self._by_hand()}\n")
        return True

    def _by_hand(self) -> str:
        return as_started(f"`python -m analysis {shlex.quote(str(self._folder))}` makes it")


def ending(outcome: StudyOutcome, console: Console, *, reported: bool = True) -> int:
    """The exit status, with a word on what did not go well.

    Args:
        outcome: Of the study.
        console: Where it is said.
        reported: Whether nobody interrupted the report.
    """
    # Python takes a moment to end, and all is done: a signal then changes the exit status alone.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    for trial in outcome.failed:
        console.print(
            f"failed: {trial.trial_id}: {trial.error} "
            f"(full error in {outcome.folder.path}/{trial.trial_id}*/result.json)",
            soft_wrap=True,
            markup=False,
        )
    name = Path(outcome.folder.path).name
    if outcome.failed:
        console.print(
            f"The same command with --name {name} --resume --retry-failed runs them once more.",
            soft_wrap=True,
        )
    if outcome.unfinished:
        left = "1 trial has" if outcome.unfinished == 1 else f"{outcome.unfinished} trials have"
        console.print(
            f"{left} not ended. The same command with --name {name} --resume goes on.",
            soft_wrap=True,
        )
        return INTERRUPTED
    if not reported:
        return INTERRUPTED
    return SOME_FAILED if outcome.failed else FINISHED
