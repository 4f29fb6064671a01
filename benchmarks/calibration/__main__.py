"""Calibration of `study.inference`: how often its statements are true over simulated studies, as Markdown.

python -m benchmarks.calibration                         the tables of docs/how-far-the-advice-holds.md
python -m benchmarks.calibration --write                 write them into that page
python -m benchmarks.calibration --studies 100           a quick look, in half a minute

With several seeds a value is the median over them; if they differ, the lowest and highest follow.
"""

import itertools
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmarks.calibration.advice import Stated
from benchmarks.calibration.page import PAGE, refreshed
from benchmarks.calibration.pairs_of_seeds import pairs_table
from benchmarks.calibration.tables import Cell, Measures, reliability_table, table
from benchmarks.calibration.tasks import FORMS, STATED_OF, Size, Task, done, tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Measure how far the advice holds.

    Attributes:
        studies: Number of simulated studies for each value and seed.
        seeds: Number of times that everything is simulated, each with other random numbers.
        draws: Number of draws from each posterior; a report uses more.
        processes: Number of processes that share the work.
        recordings: Tables of recorded trainings (CSV), from which further studies are drawn.
        only: Names of the tables to compute; left out: all.
        write: Write the tables into docs/how-far-the-advice-holds.md.
    """

    studies: int = 1000
    seeds: int = 1
    draws: int = 400
    processes: int = 2
    recordings: tuple[Path, ...] = ()
    only: tuple[str, ...] = ()
    write: bool = False


def main(options: Options) -> None:
    """Compute the tables, print them, and write them into the page if that is asked for."""
    began_s = time.monotonic()
    todo = [
        each
        for each in tasks(options.seeds, options.recordings)
        if not options.only or each.table in options.only
    ]
    size = Size(studies=options.studies, draws=options.draws)
    with ProcessPoolExecutor(options.processes) as pool:
        results = [*pool.map(_timed, todo, itertools.repeat(size), chunksize=1)]
    found = _tables(todo, [(measures, stated) for measures, stated, _ in results])
    busy_s = sum(seconds for _, _, seconds in results)
    found["run"] = (
        f"{options.studies:,} studies for each figure, {options.draws} draws, "
        f"{options.seeds} set{'s' if options.seeds > 1 else ''} of random numbers: "
        f"{busy_s:.0f} s of processor time, {time.monotonic() - began_s:.0f} s by the clock, "
        f"{options.processes} process{'es' if options.processes > 1 else ''}."
    )
    for name, body in found.items():
        print(f"\n### {name}\n\n{body}")
    if options.write:
        page = refreshed(PAGE.read_text(encoding="utf-8"), found)
        PAGE.write_text(page, encoding="utf-8")


def _timed(task: Task, size: Size) -> tuple[Measures, Mapping[str, Stated], float]:
    began_s = time.process_time()
    measures, stated = done(task, size)
    return measures, stated, time.process_time() - began_s


def _tables(
    todo: Sequence[Task], results: Sequence[tuple[Measures, Mapping[str, Stated]]]
) -> dict[str, str]:
    """Return every table in Markdown by its name."""
    found = {}
    for name, forms in FORMS.items():
        rows: dict[Cell, list[Measures]] = {}
        for task, (measures, _) in zip(todo, results, strict=True):
            if task.table == name:
                rows.setdefault(task.row, []).append(measures)
        if rows:
            found.update({title: table(form, rows) for title, form in forms.items()})
    stated: dict[tuple[str, str], list[Stated]] = {}
    for task, (_, statements) in zip(todo, results, strict=True):
        for kind, each in statements.items():
            stated.setdefault((task.world, kind), []).append(each)
    if stated:
        found["probabilities"] = reliability_table(STATED_OF, stated)
    if any(task.table == "advice" for task in todo):
        found["two of five seeds"] = pairs_table()
    return found


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
