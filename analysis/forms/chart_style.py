"""Style of all figures, and drawing of a chart into files without a browser.

Importing this takes half a second; only a report needs it.

Colours mean nothing that shape, dash, place or words do not say too. They are few and fixed, so
that a page can exchange them for its dark ones (`DARK`). A chart's marks carry what they show
as words (the channel `description`); a page shows these to who points at one.
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
"""A drawing's fixed colours, and those that take their place on a dark page."""

WIDTH = 640

_FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
_PNG_SCALE = 2.0
_HEADING_LETTER = 6.5
_TITLE_LETTER, _NOTE_LETTER = 8.8, 6.1
"""Width of a letter in pixels, in the widest of our fonts: a browser may have another than who draws."""
_WIDE_LETTERS = 1.14
"""A short line may have more than its share of wide letters, as "mWh" has."""
_PADDING = 8
_LABEL_SEPARATION = 12
"""Pixels between numbers of an axis at least; the first and the last are shifted inwards."""
_AFTER_SVG_TAG = re.compile(r"(?<=>)")
_WIDTH_OF_SVG = re.compile(r'width="([\d.]+)" (height="[\d.]+") viewBox="0 0 [\d.]+ ')
_LEFT_OF_ITS_PLACE = re.compile(r'text-anchor="end"[^>]*>([^<]*)<')
"""Words that end where they belong, as those of a vertical axis do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure as files want it.

    Attributes:
        name: Short; the name of its files.
        title: In words.
        svg: With a transparent ground.
        png: The same on white, twice as large.
        csv: The numbers that it shows.
        definition: The chart in Vega-Lite, as JSON, from which both pictures were drawn.
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
    """Draw a chart.

    Args:
        name: Short; the name of its files.
        title: In words.
        chart: An Altair chart.
        rows: The numbers that it shows, for its CSV file.
        labels: What must be known of them (`estimated`), for the same.
    """
    definition = chart.to_dict(validate=False)
    svg = _at_least_as_wide(str(vl_convert.vegalite_to_svg(definition)), _widest_line(definition))
    # Dark ink on a transparent ground cannot be read where an image viewer is dark.
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
    """Pixels that title and notes of a chart take at most, in the widest of our fonts."""
    title = definition["title"]
    letters = [_TITLE_LETTER * len(line) for line in title["text"]]
    return _WIDE_LETTERS * max(
        letters + [_NOTE_LETTER * len(line) for line in title.get("subtitle", ())]
    )


def _at_least_as_wide(svg: str, words: float) -> str:
    """A picture in which lines of such a width have room from its left edge on, and labels to their left.

    Who draws it measures words in a font of its own; a browser that has a wider one would cut them off.
    """
    longest = max((len(each) for each in _LEFT_OF_ITS_PLACE.findall(svg)), default=0)
    left = (_WIDE_LETTERS - 1) * _NOTE_LETTER * longest

    def widened(found: re.Match[str]) -> str:
        width = left + max(float(found[1]), words + 2 * _PADDING)
        return f'width="{width:.0f}" {found[2]} viewBox="{-left:.0f} 0 {width:.0f} '

    return _WIDTH_OF_SVG.sub(widened, svg, count=1)


def styled(chart: Any, title: str, notes: Sequence[str], *, width: float = WIDTH) -> Any:  # noqa: ANN401 - as above
    """A chart with its title, notes under it, and our look.

    Args:
        chart: The chart.
        title: In words.
        notes: What must be said of it, a line each.
        width: Pixels that a line of text may take; longer ones are broken.
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
    """Panels side by side, one for each `group` of the rows, in the given order."""
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
    """Pixels for each mark beside others, so that no panel of `in_groups` is narrower than its heading.

    Args:
        step: What a mark needs by itself.
        groups: Headings of the panels.
        marks: Marks side by side in a panel.
    """
    return max(step, _HEADING_LETTER * max(map(len, groups), default=0) / max(marks, 1))


def series_scales(series: Sequence[str]) -> tuple[alt.Scale, alt.Scale, alt.Scale]:
    """Colour, dash and shape of lines, the same for the same place in the series."""
    count, names = len(series), list(series)

    def picked(values: Sequence[Any]) -> alt.Scale:
        return alt.Scale(domain=names, range=[values[i % len(values)] for i in range(count)])

    return picked(SERIES), picked(DASHES), picked(SHAPES)


def wrapped(note: str) -> list[str]:
    """A note of several statements, three on a line."""
    parts = note.split("; ")
    return ["; ".join(parts[i : i + 3]) for i in range(0, len(parts), 3)]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
