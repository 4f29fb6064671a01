"""A stand-in for what draws, for tests that are about something else: drawing takes a second of CPU."""

from analysis.findings import Findings
from analysis.forms.chart_style import Drawing


def without_figures(_: Findings) -> tuple[Drawing, ...]:
    """No figure of any study."""
    return ()
