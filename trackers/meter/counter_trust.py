"""Trust in a board's counter: it is compared with the sampled power over many windows.

A single short window cannot tell: its ten samples may miss what the counter sees. Over many windows
that evens out, and what remains is the counter. There are three verdicts for each board: it is trusted;
it counts a steady share of the sampled power, by which it is then scaled; or it is refused, and the
power is integrated. Until there is one, a counter that is far from what the samples of its window could
miss does not count for that window.

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
"""The integral's own sampling error is allowed for on top, in standard deviations: so many in any window, so
many where the counter has been right in many before, and so many as a rule."""

MISSED = 0.3
"""What samples of a load miss although they all are alike, as with short bursts: standard error of a
window's sampled energy as a share of it, over the root of the number of samples."""

WINDOWS_TO_JUDGE, SAMPLES_TO_JUDGE = 4, 60
"""A verdict needs so many windows, with so many samples together."""

EVENED, LEAST_EVENED = 10, 0.5
"""Chance evens out over so many samples of a window, and to this share over many windows, and no
further: a load that repeats may be met in the same place again and again."""

OVERLAP_S = 0.2
"""Windows in a row may share a refresh of the counter; more than that is the same window again."""

REMEMBERED = 64
"""Windows that a verdict rests on."""

STEADY = 0.1
"""Ratios that differ by less from window to window are of a counter that counts a fixed share."""


class Verdict(StrEnum):
    """Decision on a board's counter."""

    TRUSTED = "trusted"
    SCALED = "scaled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterEvidence:
    """Energies of one window by counter and by samples.

    Attributes:
        start_s: Start of the window.
        stop_s: Its end.
        counted_j: By the counter, as it counts.
        sampled_j: By the samples.
        samples: Their number.
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
        """Ratio of the counter to the samples."""
        return self.counted_j / self.sampled_j


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Trust in a counter at a moment.

    Attributes:
        verdict: The verdict so far.
        factor: By which its energies are multiplied; 1 unless it is scaled.
        factor_error: Standard error of the factor, as a share of it.
        is_judged: Whether the verdict rests on enough windows.
    """

    verdict: Verdict = Verdict.TRUSTED
    factor: float = 1.0
    factor_error: float = 0.0
    is_judged: bool = False

    @property
    def words(self) -> str:
        """Warning of a counter that is not trusted, said once; `%s` stands for the board."""
        if self.verdict is Verdict.SCALED:
            return (
                f"%s: the energy counter counts {1 / self.factor:.3g} of the sampled power in all "
                "windows; its energies are scaled by that and marked degraded"
            )
        return (
            "%s: the energy counter disagrees with the sampled power, by another share in each "
            "window; it is refused, and the power is integrated"
        )

    def believes(self, evidence: CounterEvidence) -> bool:
        """Return whether the counter may be right in a window, as far as its samples can tell."""
        if self.verdict is Verdict.REFUSED:
            return False
        sigmas = SIGMAS_OF_JUDGED if self.is_judged else SIGMAS
        return _agree(self.factor * evidence.ratio, evidence.error, sigmas=sigmas)

    def doubts(self, evidence: CounterEvidence) -> bool:
        """Return whether a counter that may be right needs more windows before it is trusted."""
        is_usual = _agree(evidence.ratio, evidence.error, sigmas=USUAL_SIGMAS)
        return not (self.is_judged or is_usual)


@final
class CounterTrust:
    """One board's counter on trial."""

    def __init__(self) -> None:
        """Trust it, until there is evidence."""
        self._seen: deque[CounterEvidence] = deque(maxlen=REMEMBERED)
        self._waiting: list[CounterEvidence] = []
        self.now = Trust()

    def wait_with(self, evidence: CounterEvidence) -> None:
        """Keep a window's evidence until there is time for it."""
        self._waiting.append(evidence)

    def judged(self) -> Trust:
        """Return the trust by all evidence, that included which has waited."""
        waiting, self._waiting = self._waiting, []
        for evidence in waiting:
            self.add(evidence)
        return self.now

    def add(self, evidence: CounterEvidence) -> bool:
        """Take a window's evidence; whether the verdict has changed by it.

        A window that overlaps the one before tells the same again, and is passed over.
        """
        if self._seen and evidence.start_s < self._seen[-1].stop_s - OVERLAP_S:
            return False
        self._seen.append(evidence)
        before, self.now = self.now, self._judged()
        return before.verdict is not self.now.verdict

    def _judged(self) -> Trust:
        usual = [each for each in self._seen if _agree(self.now.factor * each.ratio, each.error)]
        # Single windows in which it jumped are no habit; where they are many, they are the rule.
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

    A load that has forgotten itself from one sample to the next is met by chance: the mean of n samples
    is then uncertain by the load's spread over the root of n.

    Args:
        integral: The window's samples.
        roughness: How the load moves.
        duration_s: Length of the window.
        period_s: Time between two samples.
        hold_s: How long the board tells the same power.
    """
    told = integral.samples if hold_s == 0 else min(integral.samples, duration_s / hold_s)
    energy_j, by_chance = integral.energy_j or math.inf, 1 / math.sqrt(max(1.0, told))
    errors = [integral.placing_j / energy_j, MISSED * by_chance]
    if roughness.memory_s(hold_s) < max(period_s, hold_s) / 2:
        by_chance = max(by_chance, 1 / math.sqrt(EVENED))
        errors.append(roughness.std_w * duration_s / energy_j * by_chance)
    return max(errors)


def _agree(ratio: float, error: float, *, sigmas: float = SIGMAS) -> bool:
    return abs(ratio - 1) <= LARGEST_DISAGREEMENT + sigmas * error


def _spread(ratios: list[float]) -> float:
    """Standard deviation as the middle ones have it, so that a few outliers do not matter."""
    middle = statistics.median(ratios)
    return 1.48 * statistics.median(abs(each - middle) for each in ratios)
