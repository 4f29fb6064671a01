"""What is reported is heard where somebody listens, and only there."""

from study.data.progress import report, say, shown_by


def test_reports_reach_the_one_who_listens() -> None:
    """The innermost listener hears them, and none after it has left."""
    outer: list[str] = []
    inner: list[str] = []

    with shown_by(outer.append):
        say("reading")
        with shown_by(inner.append):
            report("images", 1200, 12000)
        report("images", 12000, 12000)
    say("nobody")

    assert inner == ["images: 1,200 of 12,000"]
    assert outer == ["reading", "images: 12,000 of 12,000"]
