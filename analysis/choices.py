"""Options shared by `python -m analysis` and `python -m analysis serve`."""

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
from analysis.quantities import enumeration
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
"""Alternative tolerances that the report evaluates, in percentage points or percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Options that decide what an analysis computes."""

    tolerance: Annotated[float | None, tyro.conf.arg(metavar="POINTS", help_behavior_hint="")] = (
        None
    )
    """How much of the objective may be given up to save energy.
    Percentage points of an accuracy or another share; otherwise percent of the best value.
    Default: the study's own, or 1."""
    prefer: Annotated[
        tyro.conf.EnumChoicesFromValues[Preference | None],
        tyro.conf.arg(metavar="{energy,balanced,accuracy}", help_behavior_hint=""),
    ] = None
    """How much energy each point of shortfall beyond the tolerance is worth: 20, 40 or 80 %.
    Default: the study's own, or balanced."""
    choice: tyro.conf.EnumChoicesFromValues[ChoiceRule] = ChoiceRule.EXPECTED
    """Rule that chooses the recommended setup.
    expected: least expected loss, given the uncertainty that the repeats leave.
    threshold: least energy of the setups within the tolerance, by their means alone."""
    rank_by: tyro.conf.EnumChoicesFromValues[RankBy] = RankBy.ENERGY
    """Criterion that setups are ranked by."""
    target: Annotated[float | None, tyro.conf.arg(metavar="VALUE", help_behavior_hint="")] = None
    """Value of the objective for the energy to target; 0.9 means 90 % if the objective is a share.
    Default: the study's own; if it has none, --rank-by energy-to-target takes the best value less the tolerance."""
    baseline: Annotated[int | None, tyro.conf.arg(metavar="SETUP", help_behavior_hint="")] = None
    """Number of the setup that you use today; savings against it are given, too."""
    against_paper: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")
    ] = False
    """Show the paper's published numbers beside yours, and point out what differs."""
    factors: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")] = (
        False
    )
    """Test by analysis of variance how much batch size, learning rate and other axes explain of energy and duration."""
    subtract_idle: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")
    ] = False
    """Subtract the device's idle power; needs a sensor that measured it before the study."""
    country: Annotated[str | None, tyro.conf.arg(metavar="CODE", help_behavior_hint="")] = None
    """Give greenhouse gas for this country's electricity: DE, FR, US, ..."""
    carbon_intensity: Annotated[
        str | None, tyro.conf.arg(metavar="G|URL|electricitymaps", help_behavior_hint="")
    ] = None
    """Give greenhouse gas for this carbon intensity: grams of CO2e per kWh, or that of the study's hours from a server.
    Servers: electricitymaps[:ZONE] (API key in ELECTRICITYMAPS_TOKEN), or the URL of one with the same API."""
    embodied: Annotated[
        str | None, tyro.conf.arg(metavar="KG/YEARS:SOURCE", help_behavior_hint="")
    ] = None
    """Add greenhouse gas of manufacturing the board: KG of CO2e spread over YEARS of use, a training's share by time."""
    pue: Annotated[float, tyro.conf.arg(metavar="FACTOR")] = 1.0
    """Power usage effectiveness: energy of the data centre per energy of its computers.
    Applied to greenhouse gas and money."""
    price: Annotated[float | None, tyro.conf.arg(metavar="PRICE", help_behavior_hint="")] = None
    """Price of electricity per kWh, in any currency."""

    def check(self) -> None:
        """Check what can be checked before a study is read.

        Raises:
            AnalysisError: An option is not allowed.
        """
        if self.tolerance is not None and not 0 <= self.tolerance <= POINTS:
            message = f"--tolerance is {self.tolerance:g}; allowed: 0 to 100."
            raise AnalysisError(message)
        if self.target is not None and not math.isfinite(self.target):
            message = f"--target is {self.target:g}; allowed: a number."
            raise AnalysisError(message)
        self.footprint_factors(None)

    def footprint_factors(self, study: Study | None) -> Factors | None:
        """Return the factors that convert energy into greenhouse gas and money; None if not requested.

        Args:
            study: Study whose hours are looked up where --carbon-intensity names a server; None: no
                server is asked.

        Raises:
            AnalysisError: A factor is not allowed, the country is not known, or a server gives no
                carbon intensity.
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
        """Load a study from its folder and analyse it with these options.

        Raises:
            AnalysisError: The study cannot be read, or an option does not fit it.
        """
        study = load(path)
        known = [each.setup for each in study.manifest.setups]
        if self.baseline is not None and self.baseline not in known:
            message = f"--baseline is {self.baseline}; {path} has the setups {enumeration(known)}."
            raise AnalysisError(message)
        objective, target = study.manifest.objective, self.target
        if target is not None and objective.is_share and not 0 < target <= 1:
            message = f"--target is {target:g}; allowed: a share above 0, up to 1."
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
        """Yield the recommendation for each alternative tolerance and criterion, with a description of it.

        Args:
            findings: Results with the options as given.
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
            f"{option} is {text}; allowed: grams per kWh, {ELECTRICITY_MAPS}[:ZONE], or an address "
            "(http://, https://)."
        )
        raise AnalysisError(message) from error


def check_names(arguments: Sequence[str]) -> None:
    """Refuse an option of version 0.1, naming its replacement.

    Args:
        arguments: Command-line arguments.

    Raises:
        AnalysisError: One of the arguments is an option of version 0.1.
    """
    message = renamed_option(arguments, {each.name for each in fields(Choices)})
    if message is not None:
        raise AnalysisError(message)
