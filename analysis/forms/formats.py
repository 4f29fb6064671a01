"""Formatting of tables for papers and programs: Markdown, LaTeX (booktabs) or CSV."""

from collections.abc import Sequence
from enum import StrEnum

from analysis.forms.cells import TableInfo, csv_text


class Format(StrEnum):
    """Text formats of a table."""

    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    "±": r"$\pm$",
    "●": r"$\bullet$",
    "≈": r"$\approx$",
    "√": r"$\surd$",
    "·": r"$\cdot$",
    "₁": r"$_1$",
    "₂": r"$_2$",
    "²": r"$^2$",
}


def tables_text(infos: Sequence[TableInfo], form: Format) -> str:
    """Format all tables, one after another, each with its title."""
    writers = {Format.MARKDOWN: markdown, Format.LATEX: latex, Format.CSV: _titled_csv}
    return "\n".join(writers[form](info) for info in infos)


def markdown(info: TableInfo) -> str:
    """Format a table in Markdown, with its title above and its legend below."""
    lines = [
        f"**{info.title}**",
        "",
        _markdown_row([column.heading for column in info.columns]),
        f"|{' ---: |' * len(info.columns)}",
        *(_markdown_row([cell.text for cell in row]) for row in info.rows),
        *(["", info.legend] if info.legend else []),
    ]
    return "\n".join(lines) + "\n"


def latex(info: TableInfo) -> str:
    """Format a table in LaTeX, which needs the package booktabs."""
    lines = [
        r"\begin{table}",
        rf"\caption{{{_escaped(info.title)}}}",
        rf"\begin{{tabular}}{{{'r' * len(info.columns)}}}",
        r"\toprule",
        _latex_row([column.heading for column in info.columns]),
        r"\midrule",
    ]
    for index, row in enumerate(info.rows):
        lines += [r"\midrule"] if index in info.breaks else []
        lines.append(_latex_row([cell.text for cell in row]))
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\\ {{\footnotesize {_escaped(info.legend)}}}"] if info.legend else []
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _titled_csv(info: TableInfo) -> str:
    return f"# {info.title}\n{csv_text(info)}"


def _markdown_row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |"


def _latex_row(texts: Sequence[str]) -> str:
    return " & ".join(_escaped(text) for text in texts) + r" \\"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)
