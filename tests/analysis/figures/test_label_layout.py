"""Placement of labels where they hide nothing."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.label_layout import Plot, placed

PLOT = Plot(width=760, height=400, x=(0.0, 20.0), y=(50.0, 100.0))
PLACES = st.tuples(st.floats(0.0, 20.0), st.floats(50.0, 100.0))


def box_of(text: str, x: float, y: float) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a label in pixels, with narrower letters than the layout assumes."""
    left, middle = PLOT.pixel(x, y)
    return left, middle - 6, left + 6.2 * len(text), middle + 6


@given(st.lists(PLACES, min_size=1, max_size=25))
def test_labels_cover_no_mark_no_other_label_and_lie_within(
    places: list[tuple[float, float]],
) -> None:
    """This holds wherever the setups lie; a label without room is left out."""
    labels = placed([("1024 x 0.001", x, y) for x, y in places], marks=places, plot=PLOT)

    boxes = [box_of(each.text, each.x, each.y) for each in labels]
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert top >= 0
        assert right <= 760
        assert bottom <= 400
        for other in boxes[place + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
        for across, down in (PLOT.pixel(*mark) for mark in places):
            assert not (left < across < right and top < down < bottom)


def test_one_label_is_always_placed() -> None:
    """In a corner it is placed on the side where there is room."""
    for x, y in ((0.0, 50.0), (20.0, 50.0), (0.0, 100.0), (20.0, 100.0)):
        assert len(placed([("64 x 0.1", x, y)], marks=[(x, y)], plot=PLOT)) == 1


def test_the_first_label_takes_precedence() -> None:
    """Where many setups share a place, the most important one keeps its label."""
    labels = placed([(f"label {n}", 10.0, 75.0) for n in range(40)], marks=[(10, 75)], plot=PLOT)

    assert labels[0].text == "label 0"
    assert len(labels) < 40
