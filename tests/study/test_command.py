"""What the study commands hand on to the report."""

from study.command import asked_of_analysis
from study.options import StudyOptions
from study.repeats.options import ComparisonOptions


def test_the_report_is_asked_for_what_the_study_was() -> None:
    """Tolerance and preference, where they are not the defaults of both."""
    assert asked_of_analysis(ComparisonOptions(tolerance=2.5, prefer="energy")) == (
        *("--tolerance", "2.5"),
        *("--prefer", "energy"),
    )
    assert asked_of_analysis(ComparisonOptions()) == asked_of_analysis(StudyOptions()) == ()
