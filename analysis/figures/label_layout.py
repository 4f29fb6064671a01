"""Placement of labels beside marks such that none overlaps another label or a mark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

_LETTER, _LINE = 6.6, 14.0
"""Width of a letter and height of a line of a label in pixels, enough for the fonts of our figures."""

_MARK = 9.0
"""Half the side of the square that a mark occupies, in pixels."""

_AWAY = (12.0, 20.0, 32.0)
"""Distances in pixels at which a label may be placed from its mark, the nearest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The axes of a chart, both linear.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        x: Values at the left and right end.
        y: Values at the lower and upper end.
    """

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Convert values to a position in pixels from the upper left corner."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.width * across, self.height * (1 - up)

    def value(self, across: float, down: float) -> tuple[float, float]:
        """Convert a position in pixels to values: the inverse of `pixel`."""
        x = self.x[0] + across / self.width * (self.x[1] - self.x[0])
        y = self.y[0] + (1 - down / self.height) * (self.y[1] - self.y[0])
        return x, y


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label with its position.

    Attributes:
        text: Text of the label.
        x: Value on the x axis at its left end.
        y: Value on the y axis at its middle.
    """

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, x: float, y: float, half: float) -> Self:
        return cls(x - half, y - half, x + half, y + half)

    def covers(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def lies_in(self, plot: Plot) -> bool:
        return (
            self.left >= 0
            and self.top >= 0
            and self.right <= plot.width
            and self.bottom <= plot.height
        )


def placed(
    wanted: Sequence[tuple[str, float, float]],
    *,
    marks: Sequence[tuple[float, float]],
    plot: Plot,
) -> tuple[Label, ...]:
    """Place labels beside their marks; labels for which there is no room are left out.

    Args:
        wanted: Text and values (x, y) of each label, the most important first.
        marks: Values (x, y) of all marks, including those of the labels.
        plot: Axes of the chart.
    """
    taken = [_Box.around(*plot.pixel(x, y), _MARK) for x, y in marks]
    labels = []
    for text, x, y in wanted:
        free = (
            box
            for box in _candidates(text, *plot.pixel(x, y))
            if box.lies_in(plot) and not any(box.covers(other) for other in taken)
        )
        box = next(free, None)
        if box is not None:
            taken.append(box)
            at = plot.value(box.left, (box.top + box.bottom) / 2)
            labels.append(Label(text=text, x=at[0], y=at[1]))
    return tuple(labels)


def _candidates(text: str, x: float, y: float) -> Iterator[_Box]:
    """Yield boxes around a mark: the nearest first, and among these the most readable first."""
    width = _LETTER * len(text)
    for away in _AWAY:
        for left, middle in (
            (x + away, y - away),
            (x - away - width, y - away),
            (x - width / 2, y - away - _LINE / 2),
            (x + away, y),
            (x - away - width, y),
            (x - width / 2, y + away + _LINE / 2),
            (x + away, y + away),
            (x - away - width, y + away),
        ):
            yield _Box(left, middle - _LINE / 2, left + width, middle + _LINE / 2)
