"""`power-of-training COMMAND ...` and `python -m study`: all commands under one name.

An alternative to `python -m study.regime` and the like, for working folders that contain a `study`,
`models` or `analysis` of their own: this command does not search the working folder first.
"""

import runpy
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from study.machines.own_packages import find_ours
from trackers.terminal import FINISHED, PROGRAM, REFUSED

COMMANDS: dict[str, tuple[str, str]] = {
    "regime": ("study.regime", "which batch size and learning rate train with the least energy?"),
    "pretraining": ("study.pretraining", "does pretraining an encoder pay, and freezing it?"),
    "multitask": ("study.multitask", "do several tasks train cheaper together than one by one?"),
    "search": ("study.search", "find a good setup, and stop before the energy is wasted"),
    "new": ("study.new", "a scenario to begin with, trainable as it stands"),
    "data": ("study.data", "get, check or make the data sets"),
    "trackers": ("trackers", "what this machine can measure, and what is in the way"),
    "run": ("trackers run", "what a command uses, whatever it is: run -- COMMAND"),
    "analysis": ("analysis", "tables, figures and recommendation of finished studies"),
}
"""Commands by name: what follows `python -m`, and the description that the list of commands shows."""


def main(args: Sequence[str] | None = None) -> int:
    """Run a command, or list them all.

    Args:
        args: The command and its arguments; None for those of this process.

    Returns:
        The exit status. Does not return where the command ends the process itself.
    """
    given = list(sys.argv[1:] if args is None else args)
    if not given or given[0] in ("-h", "--help", "help"):
        _list(Console())
        return FINISHED
    if given[0] not in COMMANDS:
        sys.stderr.write(
            f"{PROGRAM}: there is no command {given[0]!r}; allowed: {', '.join(COMMANDS)}.\n"
        )
        return REFUSED
    find_ours()
    module, *words = COMMANDS[given[0]][0].split()
    sys.argv = [module, *words, *given[1:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return FINISHED


def _list(console: Console) -> None:
    usage = f"usage: {PROGRAM} COMMAND [options]     (or python -m MODULE [options])\n"
    console.print(usage, markup=False)
    for word, (module, answers) in COMMANDS.items():
        console.print(f"  [bold]{word:12}[/] [dim]{module:18}[/] {escape(answers)}", soft_wrap=True)
    console.print(f"\n{PROGRAM} COMMAND --help explains the options of each.")


if __name__ == "__main__":
    sys.exit(main())
