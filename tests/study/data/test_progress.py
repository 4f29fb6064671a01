"""Reports of progress and their listeners."""

from study.data.progress import progress_to, report_progress, report_status


def test_reports_reach_the_innermost_listener() -> None:
    """A listener receives no reports before or after its block."""
    outer: list[str] = []
    inner: list[str] = []

    with progress_to(outer.append):
        report_status("reading")
        with progress_to(inner.append):
            report_progress("images", 1200, 12000)
        report_progress("images", 12000, 12000)
    report_status("nobody")

    assert inner == ["images: 1,200 of 12,000"]
    assert outer == ["reading", "images: 12,000 of 12,000"]
