"""Trust in a board's energy counter, from its comparison with the sampled power over many windows.

A single short window cannot decide: its ten samples may miss what the counter sees. Over many windows
that evens out, and what remains is the counter's error. There are three verdicts for each board: the counter
is trusted; it counts a constant share of the sampled power, and is scaled by it; or it is refused, and the
power is integrated instead. Until there is a verdict, a counter is not used for a window in which it differs
from the samples by more than they could have missed.

Boards have been found whose idle counter and power differ by 43 % (Zeus issue 181), and counters that
have jumped by terawatts (intel/xpumanager issue 130).
"""

import math
import statistics
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import final

from trackers.meter.integrate import Integral
from trackers.meter.uncertainty import Roughness

LARGEST_DISAGREEMENT = 0.1
"""Counter and integral of the power should agree within this share."""

SIGMAS, SIGMAS_OF_JUDGED, USUAL_SIGMAS = 3.0, 4.0, 1.0
"""Standard errors of the sampled energy that are allowed for on top of `LARGEST_DISAGREEMENT`: in any window,
with a counter that has been judged, and for a window to count as unremarkable."""

MISSED = 0.3
"""Energy that samples may miss even if they are all alike, as with short bursts: standard error of a window's
sampled energy, as a share of it, for one sample; it falls with the square root of the number of samples."""

WINDOWS_TO_JUDGE, SAMPLES_TO_JUDGE = 4, 60
"""Least number of windows, and of samples in all of them together, for a verdict."""

EVENED, LEAST_EVENED = 10, 0.5
"""Sampling errors average out over at most this many samples of a window, and over many windows at most to
this share, because a periodic load may be sampled at the same phase again and again."""

OVERLAP_S = 0.2
"""Consecutive windows may overlap by this much, as they may share a refresh of the counter. A window that
overlaps the previous one by more adds no new evidence."""

REMEMBERED = 64
"""Number of last windows on which a verdict rests."""

STEADY = 0.1
"""Greatest spread, from window to window, of the ratio of a counter that counts a constant share."""


class Verdict(StrEnum):
    """Verdict on a board's counter."""

    TRUSTED = "trusted"
    SCALED = "scaled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterEvidence:
    """Energy of one window by its counter and by its samples.

    Attributes:
        start_s: Start of the window.
        stop_s: End of the window.
        counted_j: Energy by the counter, unscaled.
        sampled_j: Energy by the power samples.
        samples: Number of samples.
        error: Standard error of `sampled_j`, as a share of it.
    """

    start_s: float
    stop_s: float
    counted_j: float
    sampled_j: float
    samples: int
    error: float

    @property
    def ratio(self) -> float:
        """Ratio of the counter's energy to the samples' energy."""
        return self.counted_j / self.sampled_j


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Present trust in a counter.

    Attributes:
        verdict: The verdict so far.
        factor: Factor by which the counter's energies are multiplied; 1 unless it is scaled.
        factor_error: Standard error of the factor, as a share of it.
        is_judged: Whether the verdict rests on enough windows.
    """

    verdict: Verdict = Verdict.TRUSTED
    factor: float = 1.0
    factor_error: float = 0.0
    is_judged: bool = False

    @property
    def words(self) -> str:
        """Log message about a counter that is not trusted; `%s` in it stands for the board."""
        if self.verdict is Verdict.SCALED:
            return (
                f"%s: the energy counter counts {1 / self.factor:.3g} of the sampled power in all "
                "windows; its energies are scaled by that and marked degraded"
            )
        return (
            "%s: the energy counter disagrees with the sampled power, by a different share in each "
            "window; it is refused, and the power is integrated"
        )

    def believes(self, evidence: CounterEvidence) -> bool:
        """Return whether the counter may be right in a window, as far as the window's samples can tell."""
        if self.verdict is Verdict.REFUSED:
            return False
        sigmas = SIGMAS_OF_JUDGED if self.is_judged else SIGMAS
        return _agree(self.factor * evidence.ratio, evidence.error, sigmas=sigmas)

    def doubts(self, evidence: CounterEvidence) -> bool:
        """Return whether a counter that was not judged yet is unusually far from a window's samples."""
        is_usual = _agree(evidence.ratio, evidence.error, sigmas=USUAL_SIGMAS)
        return not (self.is_judged or is_usual)


@final
class CounterTrust:
    """Evidence about one board's counter, and the verdict that follows from it."""

    def __init__(self) -> None:
        """Start by trusting the counter."""
        self._seen: deque[CounterEvidence] = deque(maxlen=REMEMBERED)
        self._waiting: list[CounterEvidence] = []
        self.now = Trust()

    def wait_with(self, evidence: CounterEvidence) -> None:
        """Store a window's evidence for the next call of `judged`."""
        self._waiting.append(evidence)

    def judged(self) -> Trust:
        """Return the trust by all evidence, including what `wait_with` stored."""
        waiting, self._waiting = self._waiting, []
        for evidence in waiting:
            self.add(evidence)
        return self.now

    def add(self, evidence: CounterEvidence) -> bool:
        """Add a window's evidence, and return whether it changed the verdict.

        A window that overlaps the previous one is ignored, because its evidence is not independent.
        """
        if self._seen and evidence.start_s < self._seen[-1].stop_s - OVERLAP_S:
            return False
        self._seen.append(evidence)
        before, self.now = self.now, self._judged()
        return before.verdict is not self.now.verdict

    def _judged(self) -> Trust:
        usual = [each for each in self._seen if _agree(self.now.factor * each.ratio, each.error)]
        # Single windows in which the counter jumped are outliers, unless most windows are like that.
        counted = usual if len(usual) > len(self._seen) / 2 else list(self._seen)
        samples = sum(each.samples for each in counted)
        if len(counted) < WINDOWS_TO_JUDGE or samples < SAMPLES_TO_JUDGE:
            return self.now
        sampled_j = math.fsum(each.sampled_j for each in counted)
        ratio = math.fsum(each.counted_j for each in counted) / sampled_j
        usual_error = statistics.median(each.error for each in counted)
        error = usual_error * max(LEAST_EVENED, 1 / math.sqrt(len(counted)))
        if _agree(ratio, error):
            return Trust(is_judged=True)
        spread = _spread([each.ratio / ratio for each in counted])
        if spread <= STEADY + usual_error:
            return Trust(
                verdict=Verdict.SCALED,
                factor=1 / ratio,
                factor_error=usual_error / math.sqrt(len(counted)),
                is_judged=True,
            )
        return Trust(verdict=Verdict.REFUSED, is_judged=True)


def sampling_error(
    integral: Integral, roughness: Roughness, *, duration_s: float, period_s: float, hold_s: float
) -> float:
    """Standard error of a window's sampled energy, as a share of it.

    Where consecutive samples of a load are uncorrelated, the mean of n samples has a standard error of the
    load's standard deviation over the square root of n.

    Args:
        integral: Integral over the window's samples.
        roughness: Statistics of the load's variation.
        duration_s: Length of the window.
        period_s: Time between two samples.
        hold_s: Time for which the board reports the same power.
    """
    told = integral.samples if hold_s == 0 else min(integral.samples, duration_s / hold_s)
    energy_j, by_chance = integral.energy_j or math.inf, 1 / math.sqrt(max(1.0, told))
    errors = [integral.placing_j / energy_j, MISSED * by_chance]
    if roughness.correlation_time_s(hold_s) < max(period_s, hold_s) / 2:
        by_chance = max(by_chance, 1 / math.sqrt(EVENED))
        errors.append(roughness.std_w * duration_s / energy_j * by_chance)
    return max(errors)


def _agree(ratio: float, error: float, *, sigmas: float = SIGMAS) -> bool:
    return abs(ratio - 1) <= LARGEST_DISAGREEMENT + sigmas * error


def _spread(ratios: list[float]) -> float:
    """Robust standard deviation, from the median absolute deviation, so that outliers do not matter."""
    middle = statistics.median(ratios)
    return 1.48 * statistics.median(abs(each - middle) for each in ratios)
