"""Style shared by all figures, and rendering of charts to files without a browser.

Importing this module takes half a second, so only code that writes a report does.

Colour is never the only carrier of information: shape, dash, position or text says the same. The
colours are few and fixed, so that a page can replace them with those of its dark theme (`DARK`).
Marks carry a description in words (the channel `description`), which the page shows on hover.
"""

import csv
import io
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from analysis.forms.cells import LABELS_KEY

INK, MUTED, FAINT, GRID = "#22303c", "#667482", "#b3bec8", "#e2e7eb"
PLAIN, CHOSEN = "#9db4c6", "#1f6f8b"
SERIES = ("#1f6f8c", "#c2571a", "#6a4c93", "#5b7f2b", "#a63d57", "#7a6a53")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 4])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")

DARK: Mapping[str, str] = {
    INK: "#e6ebef",
    MUTED: "#9fadb9",
    FAINT: "#5d6b78",
    GRID: "#2c363f",
    PLAIN: "#557a94",
    CHOSEN: "#5cc3df",
    **dict(
        zip(
            SERIES,
            ("#5dc4e0", "#f0925a", "#b79be0", "#a5c76a", "#e58aa2", "#c8b79c"),
            strict=True,
        )
    ),
}
"""Colours of the dark theme, by the fixed colours of a drawing that they replace."""

WIDTH = 640

_FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
_PNG_SCALE = 2.0
_HEADING_LETTER = 6.5
_TITLE_LETTER, _NOTE_LETTER = 8.8, 6.1
"""Mean width of a letter in pixels, in the widest of our fonts, since a browser may not have the font that
was used for rendering."""
_WIDE_LETTERS = 1.14
"""Safety factor for short lines, which may have many wide letters, such as "mWh"."""
_PADDING = 8
_LABEL_SEPARATION = 12
"""Least number of pixels between the numbers of an axis; the first and the last are shifted inwards."""
_AFTER_SVG_TAG = re.compile(r"(?<=>)")
_WIDTH_OF_SVG = re.compile(r'width="([\d.]+)" (height="[\d.]+") viewBox="0 0 [\d.]+ ')
_LEFT_OF_ITS_PLACE = re.compile(r'text-anchor="end"[^>]*>([^<]*)<')
"""Right-aligned texts, such as the labels of a vertical axis, which extend to the left of their position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A rendered figure, as the contents of its files.

    Attributes:
        name: Name of its files, without suffix.
        title: Title in words.
        svg: SVG image with a transparent background.
        png: PNG image on white, twice as large.
        csv: The numbers that it shows.
        definition: Vega-Lite specification of the chart, as JSON, from which both images were rendered.
    """

    name: str
    title: str
    svg: str
    png: bytes
    csv: str
    definition: str


def drawing(
    name: str,
    title: str,
    chart: Any,  # noqa: ANN401 - a chart of any kind
    rows: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> Drawing:
    """Render a chart.

    Args:
        name: Name of its files, without suffix.
        title: Title in words.
        chart: An Altair chart, as returned by `styled`.
        rows: The numbers that it shows, for its CSV file.
        labels: Labels without which the numbers must not be shown (`estimated`), for the CSV file.
    """
    definition = chart.to_dict(validate=False)
    svg = _at_least_as_wide(str(vl_convert.vegalite_to_svg(definition)), _widest_line(definition))
    # Dark lines on a transparent background would be unreadable in an image viewer with a dark theme.
    on_white = _AFTER_SVG_TAG.sub('<rect width="100%" height="100%" fill="#fff"/>', svg, count=1)
    return Drawing(
        name=name,
        title=title,
        svg=svg,
        png=bytes(vl_convert.svg_to_png(on_white, scale=_PNG_SCALE)),
        csv=_csv([{**row, LABELS_KEY: "; ".join(labels)} for row in rows]),
        definition=json.dumps(definition, indent=1),
    )


def _widest_line(definition: Mapping[str, Any]) -> float:
    """Return an upper bound on the width of a chart's title and notes, in pixels."""
    title = definition["title"]
    letters = [_TITLE_LETTER * len(line) for line in title["text"]]
    return _WIDE_LETTERS * max(
        letters + [_NOTE_LETTER * len(line) for line in title.get("subtitle", ())]
    )


def _at_least_as_wide(svg: str, text_width: float) -> str:
    """Widen an SVG image so that lines of text of `text_width` pixels and the labels of axes are not cut off.

    The renderer measures text in its own font, and the one of a browser may be wider.
    """
    longest = max((len(each) for each in _LEFT_OF_ITS_PLACE.findall(svg)), default=0)
    left = (_WIDE_LETTERS - 1) * _NOTE_LETTER * longest

    def widened(found: re.Match[str]) -> str:
        width = left + max(float(found[1]), text_width + 2 * _PADDING)
        return f'width="{width:.0f}" {found[2]} viewBox="{-left:.0f} 0 {width:.0f} '

    return _WIDTH_OF_SVG.sub(widened, svg, count=1)


def styled(chart: Any, title: str, notes: Sequence[str], *, width: float = WIDTH) -> Any:  # noqa: ANN401 - as above
    """Return a chart with its title, notes below the title, and the common style.

    Args:
        chart: An Altair chart.
        title: Title in words.
        notes: Notes on the chart, one per line.
        width: Maximum width of a line of text in pixels; longer ones are wrapped.
    """
    lines = textwrap.wrap(title, int(width / _TITLE_LETTER))
    under = [line for note in notes for line in textwrap.wrap(note, int(width / _NOTE_LETTER))]
    return (
        chart.properties(title=alt.TitleParams(lines, subtitle=under), background="transparent")
        .configure(font=_FONT, padding=_PADDING)
        .configure_title(
            anchor="start",
            fontSize=15,
            fontWeight=600,
            color=INK,
            subtitleColor=MUTED,
            subtitleFontSize=11,
            subtitlePadding=5,
            offset=14,
        )
        .configure_axis(
            labelColor=MUTED,
            titleColor=INK,
            titleFontWeight="normal",
            titleFontSize=12,
            titlePadding=8,
            labelFontSize=11,
            gridColor=GRID,
            domain=False,
            ticks=False,
        )
        .configure_axisX(grid=False, labelSeparation=_LABEL_SEPARATION)
        .configure_header(labelColor=INK, labelFontSize=12, labelPadding=4)
        .configure_legend(
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            symbolFillColor=PLAIN,
            symbolStrokeColor=INK,
        )
        .configure_view(stroke=None)
    )


def in_groups(layer: Any, rows: Sequence[Mapping[str, Any]], groups: Sequence[str]) -> Any:  # noqa: ANN401 - as above
    """Facet a chart into panels side by side, one for each `group` of the rows, in the given order."""
    return layer.facet(
        data=alt.InlineData(values=rows),
        column=alt.Column(
            "group:N",
            sort=list(groups),
            title=None,
            header=alt.Header(labelOrient="top"),
            spacing=14,
        ),
    )


def mark_step(step: float, groups: Sequence[str], marks: int) -> float:
    """Return the pixels for each of several adjacent marks that keep a panel as wide as its heading.

    Args:
        step: Pixels that a mark needs by itself.
        groups: Headings of the panels of `in_groups`.
        marks: Number of marks side by side in a panel.
    """
    return max(step, _HEADING_LETTER * max(map(len, groups), default=0) / max(marks, 1))


def series_scales(series: Sequence[str]) -> tuple[alt.Scale, alt.Scale, alt.Scale]:
    """Return scales of colour, dash and shape, which depend on the position in the series alone."""
    count, names = len(series), list(series)

    def scale(values: Sequence[Any]) -> alt.Scale:
        return alt.Scale(domain=names, range=[values[i % len(values)] for i in range(count)])

    return scale(SERIES), scale(DASHES), scale(SHAPES)


def wrapped(note: str) -> list[str]:
    """Split a note of several statements, separated by semicolons, into lines of three."""
    parts = note.split("; ")
    return ["; ".join(parts[i : i + 3]) for i in range(0, len(parts), 3)]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
