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


def test_markdown_is_a_table_that_a_bar_does_not_break() -> None:
    """Title, head, alignment, rows, legend."""
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


def test_latex_escapes_what_it_would_take_for_a_command() -> None:
    """Ampersand, percent, underscore and signs; a rule at each break."""
    text = tables_text([INFO], Format.LATEX)

    assert r"\caption{Energy \& more, 50 \%}" in text
    assert r"a\_b & $\pm$ \\" in text
    assert "1.3 & - \\\\\n\\midrule\n2.0 & x$|$y \\\\\n\\bottomrule" in text


def test_csv_has_full_digits_and_a_title_for_each_table() -> None:
    """Two tables, one after another; a missing value is empty."""
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
def test_what_would_not_be_written_beside_tables_is_refused(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...], named: str
) -> None:
    """It was passed over without a word."""
    status = main(["tests/analysis/fixture/regime", "--format", "csv", *more])

    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert f"--format prints tables only, and leaves out {named}" in said.err
