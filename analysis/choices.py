"""Options that `python -m analysis` and its `serve` share."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from analysis.advice.carbon import Factors, factors_of
from analysis.advice.live_carbon import live_intensity
from analysis.advice.recommendation import Recommendation
from analysis.errors import AnalysisError
from analysis.findings import Findings, analyse, asked_otherwise
from analysis.quantities import listed
from analysis.ranking.criteria import RankBy
from analysis.ranking.ranking import ChoiceRule
from analysis.ranking.tolerance import POINTS
from analysis.read.comparable import comparable
from analysis.read.idle import without_idle
from analysis.read.load import Study, load
from study.inference.choice import Preference
from study.record.migration import renamed_option
from trackers.carbon.hourly import ELECTRICITY_MAPS, is_server

_TOLERANCES = (0.5, 1.0, 2.0, 5.0)
"""What else a reader may want to give up, in points or per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Options of an analysis."""

    tolerance: Annotated[float | None, tyro.conf.arg(metavar="POINTS", help_behavior_hint="")] = (
        None
    )
    """What may be given up to save energy: percentage points of an accuracy or another share, else per cent of the best value. Left out: the study's own, or 1."""
    prefer: Annotated[
        tyro.conf.EnumChoicesFromValues[Preference | None],
        tyro.conf.arg(metavar="{energy,balanced,accuracy}", help_behavior_hint=""),
    ] = None
    """What a point beyond the tolerance is worth: 20, 40 or 80 % of the energy. Left out: the study's own, or balanced."""
    choice: tyro.conf.EnumChoicesFromValues[ChoiceRule] = ChoiceRule.EXPECTED
    """expected: least expected loss over what the repeats allow; threshold: by the means alone."""
    rank_by: tyro.conf.EnumChoicesFromValues[RankBy] = RankBy.ENERGY
    """What setups are ranked by."""
    target: Annotated[float | None, tyro.conf.arg(metavar="VALUE", help_behavior_hint="")] = None
    """For the energy to target: a value of the objective; 0.9 of a share is 90 %. Left out: the study's own, or the best less the tolerance."""
    baseline: Annotated[int | None, tyro.conf.arg(metavar="SETUP", help_behavior_hint="")] = None
    """Number of the setup that you use today: savings against it are given, too."""
    against_paper: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")
    ] = False
    """Set the published numbers beside yours, and say what differs."""
    factors: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")] = (
        False
    )
    """Test how much of energy and duration goes with batch size, learning rate, and both."""
    subtract_idle: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")
    ] = False
    """Take off what the device draws when idle; needs a sensor that measured it before the study."""
    country: Annotated[str | None, tyro.conf.arg(metavar="CODE", help_behavior_hint="")] = None
    """Greenhouse gas by this country's electricity: DE, FR, US, ..."""
    carbon_intensity: Annotated[
        str | None, tyro.conf.arg(metavar="G|URL|electricitymaps", help_behavior_hint="")
    ] = None
    """The same by grams of CO2e per kWh; or by the hours of the study, asked of electricitymaps[:ZONE] (its key
    in ELECTRICITYMAPS_TOKEN) or of a server that answers like it."""
    embodied: Annotated[
        str | None, tyro.conf.arg(metavar="KG/YEARS:SOURCE", help_behavior_hint="")
    ] = None
    """Greenhouse gas of making the board: a training's share of it by time."""
    pue: Annotated[float, tyro.conf.arg(metavar="FACTOR")] = 1.0
    """Energy of the data centre per energy of its computers, for greenhouse gas and money."""
    price: Annotated[float | None, tyro.conf.arg(metavar="PRICE", help_behavior_hint="")] = None
    """Price per kWh, in whatever money."""

    def check(self) -> None:
        """Refuse what no study can be analysed by.

        Raises:
            AnalysisError: An option is not allowed.
        """
        if self.tolerance is not None and not 0 <= self.tolerance <= POINTS:
            message = f"--tolerance is {self.tolerance:g}; allowed are 0 to 100."
            raise AnalysisError(message)
        if self.target is not None and not math.isfinite(self.target):
            message = f"--target is {self.target:g}; allowed is a number."
            raise AnalysisError(message)
        self.footprint_factors(None)

    def footprint_factors(self, study: Study | None) -> Factors | None:
        """Factors that turn energy into greenhouse gas and money; None where nothing was asked for.

        Args:
            study: Whose hours are asked for, where a server is named; None for none: no server is
                asked.

        Raises:
            AnalysisError: A factor is not allowed, the country is not known, or a server does not
                tell.
        """
        word, more = self.carbon_intensity, {}
        country, g_per_kwh = self.country, None
        if word is not None and is_server(word):
            if study is not None:
                g_per_kwh, source = live_intensity(study, word, country or "")
                more = {"intensity_source": source}
            country = None
        elif word is not None:
            g_per_kwh = _number("--carbon-intensity", word)
        return factors_of(
            country=country,
            carbon_intensity=g_per_kwh,
            pue=self.pue,
            price=self.price,
            embodied=self.embodied,
            **more,
        )

    def analysed(self, path: Path) -> Findings:
        """Read a study's folder and analyse it.

        Raises:
            AnalysisError: The study cannot be read, or does not have what was asked for.
        """
        study = load(path)
        known = [each.setup for each in study.manifest.setups]
        if self.baseline is not None and self.baseline not in known:
            message = f"--baseline is {self.baseline}; {path} has the setups {listed(known)}."
            raise AnalysisError(message)
        objective, target = study.manifest.objective, self.target
        if target is not None and objective.is_share and not 0 < target <= 1:
            message = f"--target is {target:g}; allowed is a share above 0, up to 1."
            raise AnalysisError(message)
        return analyse(
            without_idle(comparable(study)) if self.subtract_idle else study,
            tolerance=None if self.tolerance is None else self.tolerance / POINTS,
            by=self.rank_by,
            target=self.target,
            baseline=self.baseline,
            factors=self.footprint_factors(study),
            prefer=self.prefer,
            choice=self.choice,
        )

    def what_ifs(self, findings: Findings) -> Iterator[tuple[str, Recommendation]]:
        """Yield what the study would advise to each other question, with that in words.

        Args:
            findings: What it says as asked.
        """
        ask = partial(
            asked_otherwise,
            findings,
            baseline=self.baseline,
            prefer=self.prefer,
            choice=self.choice,
        )
        asked = findings.ranking.tolerance
        unit = "percentage points" if findings.score.objective.is_share else "%"
        for points in _TOLERANCES:
            if not math.isclose(points, POINTS * asked):
                other = ask(tolerance=points / POINTS, by=self.rank_by)
                yield f"a tolerance of {points:g} {unit}", other
        for by in (RankBy.ENERGY, RankBy.ENERGY_DELAY, RankBy.ENERGY_TO_TARGET):
            if by is self.rank_by or (by is RankBy.ENERGY_TO_TARGET and findings.target is None):
                continue
            yield f"ranked by {by.replace('-', ' ')}", ask(tolerance=asked, by=by)


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        message = (
            f"{option} is {text}; allowed are grams per kWh, {ELECTRICITY_MAPS}[:ZONE], or an address "
            "(http://, https://)."
        )
        raise AnalysisError(message) from error


def check_names(words: Sequence[str]) -> None:
    """Answer an option of version 0.1 with its present name.

    Args:
        words: The command line.

    Raises:
        AnalysisError: One of them is such an option.
    """
    message = renamed_option(words, {each.name for each in fields(Choices)})
    if message is not None:
        raise AnalysisError(message)
