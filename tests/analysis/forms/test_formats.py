"""Tables as Markdown, LaTeX and CSV."""

import pytest

from analysis.__main__ import main
from analysis.forms.cells import Cell, TableColumn, TableInfo
from analysis.forms.formats import Format, tables_text

INFO = TableInfo(
    name="a",
    title="Energy & more, 50 %",
    columns=(TableColumn(key="a_wh", heading="a_b"), TableColumn(key="b", heading="±")),
    rows=(
        (Cell(value=1.25, text="1.3"), Cell(value=None, text="-")),
        (Cell(value=2.0, text="2.0"), Cell(value="x|y", text="x|y")),
    ),
    breaks=(1,),
    legend="- not known",
)


def test_a_bar_in_a_cell_does_not_break_a_markdown_table() -> None:
    """The output is title, head, alignment, rows and legend."""
    assert tables_text([INFO], Format.MARKDOWN).splitlines() == [
        "**Energy & more, 50 %**",
        "",
        "| a_b | ± |",
        "| ---: | ---: |",
        "| 1.3 | - |",
        "| 2.0 | x\\|y |",
        "",
        "- not known",
    ]


def test_latex_escapes_special_characters() -> None:
    """They are ampersand, percent, underscore and signs; each break becomes a rule."""
    text = tables_text([INFO], Format.LATEX)

    assert r"\caption{Energy \& more, 50 \%}" in text
    assert r"a\_b & $\pm$ \\" in text
    assert "1.3 & - \\\\\n\\midrule\n2.0 & x$|$y \\\\\n\\bottomrule" in text


def test_csv_has_full_digits_and_a_title_for_each_table() -> None:
    """Tables follow one another, and a missing value is empty."""
    text = tables_text([INFO, INFO], Format.CSV)

    assert text.split("\n\n")[0].splitlines() == [
        "# Energy & more, 50 %",
        "a_wh,b",
        "1.25,",
        "2.0,x|y",
    ]
    assert text.count("# Energy") == 2


@pytest.mark.parametrize(
    ("more", "named"), [(("--power-csv",), "--power-csv"), (("--overview", "all"), "--overview")]
)
def test_options_that_format_would_ignore_are_refused(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...], named: str
) -> None:
    """`--format` writes tables only; such options would otherwise be ignored silently."""
    status = main(["tests/analysis/fixture/regime", "--format", "csv", *more])

    output = capsys.readouterr()
    assert (status, output.out) == (2, "")
    assert f"--format prints tables only, and leaves out {named}" in output.err
