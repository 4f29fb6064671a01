"""Printing of a study's results to the terminal, or as plain text if the output is not a terminal."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from analysis.energy.bill import Bill
from analysis.findings import Findings
from analysis.forms.cells import TableInfo, narrowed, rich_table
from analysis.quantities import count_text, energy_text, enumeration
from analysis.search.tables import search_text
from analysis.tables.against_paper import against_paper_infos, differences
from analysis.tables.comparison import boards_note, comparison_infos
from analysis.tables.contenders import contenders_info
from analysis.tables.power_limits import power_limits_info
from analysis.tables.published import INCONSISTENCIES
from analysis.tables.setups import energy_per_epoch_info, ranking_info, relative_total_info
from analysis.tables.stages import paradigm_table_infos
from study.record.files import EnergyUnit
from study.record.manifest import Manifest
from study.record.vocabulary import Paradigm

# Width for output to a file or a pipe, which have none of their own; wide enough for the ranking.
PLAIN_WIDTH = 100

_GAP = 3
_UNBOUNDED = 10_000


def make_console() -> Console:
    """Return a console as wide as the terminal, or of `PLAIN_WIDTH` if the output is not a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def show(findings: Findings, console: Console) -> None:
    """Print a study's tables, ranking, recommendation, caveats and energy bill."""
    manifest = findings.study.manifest
    console.rule(Text(f"{manifest.study}: energy of training", style="bold"), align="left")
    console.print(Text(study_line(manifest), style="dim"))
    console.print()
    matrices = (energy_per_epoch_info(findings), relative_total_info(findings))
    for group in _side_by_side([_titled(info, console.width) for info in matrices], console):
        console.print(group)
        console.print()
    beside = (contenders_info(findings), power_limits_info(findings))
    ranked = (ranking_info(findings), *(each for each in beside if each is not None))
    for info in (*ranked, *paradigm_table_infos(findings)):
        console.print(_titled(info, console.width))
        console.print()
    if findings.paradigm.search is not None:
        console.print(
            Text(search_text(findings.paradigm.search, manifest, findings.labels, findings.unit))
        )
        console.print()
    console.print(Text("Recommendation", style="bold green"))
    console.print(Text(findings.recommendation.text))
    if findings.scopes:
        console.print(Text(findings.scopes))
    for caveat in findings.recommendation.caveats:
        console.print(_marked("!", caveat))
    bill = f"{findings.titled('The whole study')}: {bill_line(findings.bill, findings.unit)}"
    console.print(Text(bill, style="dim"))


def show_table(info: TableInfo, console: Console) -> None:
    """Print a table, separated from what was printed before."""
    console.print()
    console.print(_titled(info, console.width))


def show_against_paper(findings: Findings, console: Console) -> None:
    """Print the study's numbers beside the published ones, and how study and paper differ."""
    console.print()
    for info in against_paper_infos(findings):
        console.print(_titled(info, console.width))
        console.print()
    for each in differences(findings):
        console.print(_marked("!", each))


def show_inconsistencies(console: Console) -> None:
    """Print the inconsistencies within the paper."""
    for each in INCONSISTENCIES:
        console.print(_marked("!", f"In the paper: {each}"))


def show_comparison(studies: Sequence[Findings], console: Console, *, paper: bool) -> None:
    """Print several studies side by side."""
    console.rule(Text("Side by side", style="bold"), align="left")
    for info in comparison_infos(studies, paper=paper):
        console.print(_titled(info, console.width))
        console.print()
    note = boards_note(studies)
    if note:
        console.print(_marked("!", note))


def _marked(sign: str, text: str) -> Table:
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_row(Text(sign, style="yellow"), Text(text, style="dim"))
    return line


def study_line(manifest: Manifest) -> str:
    """Describe a study in one line: scenario, data, setups and repeats, status, machines."""
    setups = count_text(len(manifest.setups), "setup")
    trials = f"{setups} x {count_text(len(manifest.seeds), 'repeat')}"
    if manifest.further:
        trials += f" and {len(manifest.further)} more where they are most informative"
    if manifest.paradigm is Paradigm.SEARCH:
        trials = f"a search over {setups}"
    parts = [
        manifest.scenario,
        manifest.data.description,
        trials,
        manifest.status,
        *(f"{node.hostname}: {node.source or 'no tracker'}" for node in manifest.nodes[:1]),
        *([f"and {len(manifest.nodes) - 1} more nodes"] if len(manifest.nodes) > 1 else []),
    ]
    return " · ".join(parts)


def bill_line(bill: Bill, unit: EnergyUnit) -> str:
    """State the energy of the whole study, part by part.

    Args:
        bill: Energy bill of the study.
        unit: Unit in which the study's energies are shown.
    """
    parts = [
        f"{name} {energy_text(energy_j, unit)}"
        for name, energy_j in (
            ("epochs", bill.epochs_j),
            ("set-ups", bill.setup_j),
            ("between epochs", bill.between_j),
            *(() if bill.test_j is None else (("tests", bill.test_j),)),
            ("lost attempts", bill.wasted_j),
        )
    ]
    missing = [
        *([count_text(bill.missing_epochs, "epoch")] if bill.missing_epochs else []),
        *(
            [f"lost attempts of {count_text(bill.missing_lost, 'trial')}"]
            if bill.missing_lost
            else []
        ),
    ]
    more = f", and {enumeration(missing)} without a reading" if missing else ""
    if bill.total_j is None:
        return f"{energy_text(None, unit)}{more}"
    return f"{energy_text(bill.total_j, unit)}: {', '.join(parts)}{more}"


def _titled(info: TableInfo, width: int) -> Group:
    """Return a table with its title and legend, split into several below each other if it is too wide."""
    legend = [Padding(Text(info.legend, style="dim"), (0, 0, 0, 1))] if info.legend else []
    parts = [rich_table(part) for part in narrowed(info, width=width)]
    apart = [each for part in parts for each in (part, Text(""))][:-1]
    return Group(Text(info.title, style="bold"), *apart, *legend)


def _side_by_side(groups: Sequence[Group], console: Console) -> Sequence[Group | Table]:
    """Return the groups as one row if they fit into the console's width, else each by itself."""
    row = Table.grid(padding=(0, _GAP, 0, 0))
    row.add_row(*groups)
    wide = console.options.update(width=_UNBOUNDED)
    widths = [Measurement.get(console, wide, group).maximum for group in groups]
    fits = sum(widths) + _GAP * len(groups) <= console.width
    return [row] if fits else groups
