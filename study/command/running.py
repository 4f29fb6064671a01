"""The common frame of all study commands, from the command line over study and report to the exit status."""

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
from study.training.loading import gc_paused
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
        design: Design of the kind of study.
        program: Module name after `python -m`.
        description: First lines of `--help`.
        args: Arguments after the name of the program.
        options_of: Class of the command's options.

    Returns:
        The exit status.
    """
    console = Console()
    report = ReportProcess()
    find_ours()

    def run() -> int:
        options = parse(options_of, program=program, description=description, args=args)
        with early_ray(options) as early:
            with gc_paused():
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
        return finish(outcome, console, reported=reported)

    return exit_status(program, run, on_interrupt=report.cancel)


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
    """Run a study, write its report, and pass both to its exporters.

    Args:
        design: Design of the kind of study.
        options: Options of the study.
        source: Source of its trials.
        command: The command as it was typed.
        console: Console for progress and messages.
        report: Process that writes the report.
        early: A local Ray that is already starting; None to start or reach Ray here.

    Returns:
        The outcome of the study, and False where the report was interrupted, else True.

    Raises:
        StudyError: An error that the user can fix; no trial was started.
    """
    # Ray and torch take seconds to load, so they are not imported for a wrong option or --help.
    with gc_paused():
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
        reported = report.wait()
        exports.keep(outcome.folder)
    return outcome, reported


REPORT = """
import json, runpy, sys
from trackers.node.orphans import end_with_parent
end_with_parent(int(sys.argv.pop(1)))
sys.orig_argv = json.loads(sys.argv.pop(1))
runpy.run_module("analysis", run_name="__main__", alter_sys=True)
"""
"""Script of the report's process.

It ends together with the command, however that ends, and gets the command's `sys.orig_argv` so that its
messages name our commands in the way in which the user started this one."""


def sayer(console: Console) -> Callable[[str], None]:
    """Return a function that prints a sentence on a console verbatim."""
    return partial(console.print, style="dim", soft_wrap=True, markup=False, highlight=False)


@final
class ReportProcess:
    """Prints tables, ranking and recommendation, and writes the report, in a separate process.

    The separate process keeps `study` independent of `analysis`, and a report that fails or is
    interrupted does not affect the study.

    Attributes:
        wanted: Whether a report is to be made.
    """

    def __init__(self) -> None:
        """Prepare the report without starting its process."""
        self.wanted = True
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = ""

    def begin(self, folder: StudyFolder) -> None:
        """Start on the report of a study whose results are written, while its Ray still shuts down.

        Args:
            folder: Folder of the study.
        """
        self._folder = folder.path
        if not (self.wanted and folder.is_local):
            return
        packages = str(Path(__file__).parents[2])
        paths = [packages, *filter(None, [os.environ.get("PYTHONPATH")])]
        # Without the mark by which processes of the study's Ray are recognised and ended.
        env = {name: value for name, value in os.environ.items() if name != MARK}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                # -P keeps the working folder out of the path: it may hold an `analysis` of its own.
                [
                    *(sys.executable, "-P", "-c", REPORT, str(os.getpid())),
                    *(json.dumps(sys.orig_argv), folder.path),
                ],
                env={**env, "PYTHONPATH": os.pathsep.join(paths)},
            )
        except OSError as error:  # out of processes or memory; the study itself is already written
            sys.stderr.write(f"no report ({error.strerror or error}); {self._by_hand()}\n")

    def wait(self) -> bool:
        """Wait for the report, and return False where it was interrupted, else True."""
        if self._process is None:
            return True
        try:
            interrupted = self._process.wait() in {INTERRUPTED, -signal.SIGINT}
        except KeyboardInterrupt:
            interrupted = True
        if interrupted:
            self.cancel()
        return not interrupted

    def cancel(self) -> bool:
        """End the report because the command was interrupted, and return whether the study is written."""
        if self._process is None or self._process.poll() == 0:  # not wanted, or already made
            return bool(self._folder)
        self._process.kill()  # Ctrl-C in a terminal reaches it too, but other interrupts may not
        self._process.wait()
        sys.stderr.write(f"no report; {self._by_hand()}\n")
        return True

    def _by_hand(self) -> str:
        return as_started(f"`python -m analysis {shlex.quote(str(self._folder))}` makes it")


def finish(outcome: StudyOutcome, console: Console, *, reported: bool = True) -> int:
    """Return the exit status, and print which trials failed or have not ended.

    Args:
        outcome: Outcome of the study.
        console: Console for the messages.
        reported: False where the report was interrupted.
    """
    # Everything is done, but Python takes a moment to exit; a Ctrl-C now would only spoil the status.
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
            f"{left} not ended. The same command with --name {name} --resume continues the study.",
            soft_wrap=True,
        )
        return INTERRUPTED
    if not reported:
        return INTERRUPTED
    return SOME_FAILED if outcome.failed else FINISHED
