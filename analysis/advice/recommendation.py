"""The recommendation in plain words."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.advice.carbon import Factors
from analysis.advice.caveats import caveats
from analysis.advice.footprint_text import embodied_text, footprint_text, saved_text
from analysis.advice.readings import setups_text
from analysis.energy.failures import ToTarget
from analysis.energy.spread import Interval95
from analysis.energy.totals import SetupEnergy
from analysis.forms.scores import ScoreForm
from analysis.paradigms import ParadigmInfo, paradigm_advice
from analysis.quantities import (
    count_text,
    energy_text,
    enumeration,
    interval_text,
    percent_text,
)
from analysis.ranking.criteria import RankBy
from analysis.ranking.ranking import RankedSetup, Ranking, saving, selection_of
from analysis.read.load import Study
from study.inference.choice import probability_text
from study.record.files import EnergyUnit
from study.record.vocabulary import EnergyMethod, TrialStatus, setup_parts
from trackers.terminal import as_started

_SURE = 0.95
"""Least probability of being the most accurate setup at which the text says that none is better."""

_MOST_NAMED = 5
"""Most tied setups that are named one by one; of more, only the number is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The recommended setup, in words.

    Attributes:
        setup: Number of the setup; None if the study does not allow a recommendation.
        text: The recommendation, or why there is none, as one paragraph.
        caveats: Limits of the recommendation, one sentence each, the weightiest first.
    """

    setup: int | None
    text: str
    caveats: tuple[str, ...]


def recommend(
    study: Study,
    setups: Sequence[SetupEnergy],
    ranking: Ranking,
    *,
    paradigm: ParadigmInfo,
    stage: str | None = None,
    factors: Factors | None = None,
    test_accuracy: float | None = None,
) -> Recommendation:
    """Put the results of the paradigm and the first place of the ranking into words.

    Args:
        study: The study.
        setups: Energies of its setups, in the ranked stage.
        ranking: Ranking of these setups.
        paradigm: Results of the study's paradigm.
        stage: The ranked stage; None where trials have a single stage.
        factors: Factors that convert energy into greenhouse gas and money; None: neither is given.
        test_accuracy: Value of the objective of the first setup on a test set; None if not tested.
    """
    first = ranking.first
    if first is None and ranking.answer and any(setup.finished for setup in setups):
        about = (
            f"No training of this study is of the answer of the search ({setups_text(ranking.answer, start=False)}): "
            "it comes from an earlier one, whose report has its energy."
        )
    elif first is None:
        about = _refusal(study, setups, ranking)
    else:
        about = " ".join(_advice(study, first, ranking, factors, test_accuracy))
        if len(ranking.answer) > 1:
            about = f"Of the front, {about[0].lower()}{about[1:]}"
    of_paradigm = paradigm_advice(paradigm, ranking.tolerance, ScoreForm(ranking.objective))
    return Recommendation(
        setup=None if first is None else first.setup.setup,
        text=" ".join([*of_paradigm, _of_stage(about, stage)]),
        caveats=tuple(caveats(study, setups, ranking, is_tested=test_accuracy is not None)),
    )


def _of_stage(text: str, stage: str | None) -> str:
    """Name the stage that a recommendation is about: `For the stage both: use ...`."""
    return text if stage is None else f"For the stage {stage}: {text[0].lower()}{text[1:]}"


def setup_text(setup: SetupEnergy) -> str:
    """Describe a setup by its parameters."""
    parts = setup_parts(setup.batch_size, setup.learning_rate, setup.parameters)
    return enumeration(parts) if parts else "the only setup"


def _advice(
    study: Study,
    first: RankedSetup,
    ranking: Ranking,
    factors: Factors | None,
    test_accuracy: float | None,
) -> Iterator[str]:
    setup = first.setup
    yield (
        f"Use {setup_text(setup)} (setup {setup.setup}): {_score(setup, test_accuracy, ScoreForm(ranking.objective))} for "
        f"{_energy(study, setup)} per training{_total_interval(setup, ranking, study.unit)}."
    )
    if ranking.by is RankBy.ENERGY_TO_TARGET and setup.to_target is not None:
        yield _to_target(setup, setup.to_target, ranking, study)
    yield from _how_sure(first, ranking)
    references = _references(ranking)
    tied = {row.setup.setup for row in ranking.rows if row.ties_with_first}
    apart = [
        (share, each)
        for each in references
        if each.setup.setup not in tied and (share := saving(setup, each.setup)) is not None
    ]
    for word, saves in (("saves", True), ("adds", False)):
        clauses = [_against(setup, r, s, ranking) for s, r in apart if (s >= 0) is saves]
        if clauses:
            yield f"It {word} {enumeration(clauses)}."
    unknown = [each for each in references if each.setup.total_j is None]
    if unknown:
        yield f"What {enumeration(_named(each) for each in unknown)} used is not known."
    if ranking.baseline is not None and ranking.baseline.setup == setup.setup:
        yield "It is the baseline itself."
    yield from _ties(references, tied)
    if factors is not None and setup.total_j is not None:
        yield from _footprint(study, setup, [each for _, each in apart], factors)


def _to_target(setup: SetupEnergy, there: ToTarget, ranking: Ranking, study: Study) -> str:
    """State the energy to the target with its interval, and how many of the setup's trainings missed it."""
    reached = f"{_estimated(study, setup)}{energy_text(there.mean_j, study.unit)}"
    found = ranking.to_target.get(setup.setup)
    interval = "" if found is None else _interval_clause(found, study.unit)
    missed = there.attempts - there.reached
    some = (
        f"; {there.reached} of its {there.attempts} trainings reached it, and what the "
        f"{'other' if missed == 1 else 'others'} used is in that"
        if missed
        else ""
    )
    return f"It reaches the target with {reached}{interval}, the least of all setups{some}."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """A setup that the recommended one is compared with.

    Attributes:
        name: Its role: `most accurate` (in words that fit the objective), `baseline` or `costliest`;
            several are joined by `and`.
        setup: Energy and accuracy of the setup.
        score: Its value of the objective, formatted.
    """

    name: str
    setup: SetupEnergy
    score: str


def _references(ranking: Ranking) -> list[_Reference]:
    """Return the other setups that the first place is compared with, each once."""
    found: dict[int, _Reference] = {}
    named = (
        (ScoreForm(ranking.objective).best, ranking.best),
        ("baseline", ranking.baseline),
        ("costliest", ranking.worst),
    )
    first = ranking.first
    for name, setup in named:
        if setup is None or (first is not None and setup.setup == first.setup.setup):
            continue
        known = found.get(setup.setup)
        names = name if known is None else f"{known.name} and {name}"
        found[setup.setup] = _Reference(
            name=names, setup=setup, score=ScoreForm(ranking.objective).text(setup.accuracy)
        )
    return list(found.values())


def _score(setup: SetupEnergy, test_score: float | None, score: ScoreForm) -> str:
    """Format the objective's value, on the test set if there is one, else in validation."""
    seen = score.text(setup.accuracy)
    if test_score is None:
        return score.phrase(setup.accuracy)
    return f"{score.phrase(test_score)} on the test set ({seen} in validation)"


def _interval_clause(interval: Interval95, unit: EnergyUnit) -> str:
    return f" (95 % interval {interval_text(interval.low, interval.high, unit)})"


def _total_interval(setup: SetupEnergy, ranking: Ranking, unit: EnergyUnit) -> str:
    interval = None if ranking.evidence is None else ranking.evidence.total_j(setup.setup)
    return "" if interval is None else _interval_clause(interval, unit)


def _how_sure(first: RankedSetup, ranking: Ranking) -> Iterator[str]:
    """State the probability that the recommendation is right, and that no setup is better if that is sure."""
    evidence, number = ranking.evidence, first.setup.setup
    score = ScoreForm(ranking.objective)
    if evidence is None or evidence.posteriors is None:
        yield (
            "One training of each setup says nothing of chance, so there is neither an interval nor a "
            "probability."
        )
        return
    if ranking.probability_right is not None:
        yield (
            f"With a probability of {probability_text(ranking.probability_right)} it is within "
            f"{score.tolerance_text(ranking.tolerance)} of the best {score.name} and needs at most 5 % more energy than the "
            "cheapest such setup."
        )
    # With pooled accuracies the probability can disagree with the means. If the best setup by its mean
    # is another, it is named below, so the sentence would contradict that.
    leads = ranking.best is None or ranking.best.setup == number
    if leads and (evidence.most_accurate(number) or 0.0) >= _SURE:
        yield f"No other setup is {score.better}."


def _named(reference: _Reference) -> str:
    return f"the {reference.name} (setup {reference.setup.setup}, {reference.score})"


def _against(setup: SetupEnergy, reference: _Reference, share: float, ranking: Ranking) -> str:
    """State the saving (or extra energy) relative to a setup, with its interval if repeats allow one."""
    interval = None
    if ranking.evidence is not None:
        selected_as = selection_of(reference.setup, ranking.best, ranking.worst)
        interval = ranking.evidence.saving(
            setup.setup, reference.setup.setup, selected_as=selected_as
        )
    return (
        f"{percent_text(abs(share), decimals=0)}{_share_interval(interval, share)} against "
        f"{_named(reference)}"
    )


def _share_interval(interval: Interval95 | None, share: float) -> str:
    if interval is None:
        return ""
    low, high = (interval.low, interval.high) if share >= 0 else (-interval.high, -interval.low)
    return f" (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"


def _ties(references: Sequence[_Reference], tied: set[int]) -> Iterator[str]:
    names = {each.setup.setup: each.name for each in references}
    if not tied:
        return
    if len(tied) > _MOST_NAMED:
        others = [each for each in references if each.setup.setup in tied]
        also = f", {enumeration(_named(each) for each in others)} among them," if others else ""
        yield f"{count_text(len(tied), 'setup')}{also} cannot be told apart from it in energy."
        return
    marked = [f"{n} (the {names[n]})" if n in names else str(n) for n in sorted(tied)]
    yield f"{'Setup' if len(tied) == 1 else 'Setups'} {enumeration(marked)} cannot be told apart from it in energy."


def _footprint(
    study: Study, setup: SetupEnergy, apart: Sequence[_Reference], factors: Factors
) -> Iterator[str]:
    """State greenhouse gas and money of a training, and of its savings over distinguishable references."""
    estimated = EnergyMethod.ESTIMATED.value in set(study.epochs["energy_method"].dropna())
    yield footprint_text(setup.total_j or 0.0, factors, estimated=estimated)
    if factors.embodied is not None and setup.time_s is not None:
        yield embodied_text(setup.time_s.mean, factors.embodied)
    for each in apart:
        if each.setup.total_j is not None:
            name = each.name.split(" and ")[0]
            yield saved_text(
                name, setup.total_j or 0.0, each.setup.total_j, factors, estimated=estimated
            )


def _refusal(study: Study, setups: Sequence[SetupEnergy], ranking: Ranking) -> str:
    statuses, errors = study.trials["status"], study.trials["error"].dropna()
    if len(statuses) and (statuses == TrialStatus.FAILED.value).all():
        first = f", the first with {errors.iloc[0]}" if len(errors) else ""
        return f"No recommendation: every trial failed{first}."
    if study.epochs.empty:
        return "No recommendation: no epoch has finished yet."
    if not any(setup.finished for setup in setups):
        if (study.trials["status"] == TrialStatus.FINISHED.value).any():
            return (
                "No recommendation: every training that has ended diverged, ran out of memory or was "
                "stopped, and what that takes is not the energy of a training."
            )
        return (
            "No recommendation yet: no trial has finished, and the energy of half a training "
            "is not the energy of a training."
        )
    return f"No recommendation: {_lack(study, setups, ranking)}"


def _lack(study: Study, setups: Sequence[SetupEnergy], ranking: Ranking) -> str:
    """Return the reason why finished trainings allow no recommendation."""
    score = ScoreForm(ranking.objective)
    if study.epochs["val_score"].isna().all():
        metrics = _metrics(study)
        have = f"; their metrics are {enumeration(metrics)}" if metrics else ""
        return f"no training has a value of {score.name}, which decides{have}."
    if not any(setup.total_j is not None for setup in setups):
        return as_started(
            "no finished trial has an energy for all of its epochs. "
            "`python -m trackers` says what this machine can measure and how to mend it."
        )
    if ranking.by is RankBy.ENERGY_TO_TARGET:
        if any(each.to_target is not None and each.to_target.reached for each in setups):
            return "of no setup that reached the target is the energy up to it known."
        return f"no setup reached the target. `--target` takes another value of {score.name}."
    return f"no setup that is {score.enough} has an energy."


def _metrics(study: Study) -> list[str]:
    """Return the names of all validation metrics."""
    return sorted({n for text in study.epochs["val_metrics"].dropna() for n in json.loads(text)})


def _energy(study: Study, setup: SetupEnergy) -> str:
    return f"{_estimated(study, setup)}{energy_text(setup.total_j, study.unit)}"


def _estimated(study: Study, setup: SetupEnergy) -> str:
    """Return the label for an energy of a setup, `an estimated `; empty if all of it was measured."""
    methods = set(study.epochs.loc[study.epochs["setup"] == setup.setup, "energy_method"].dropna())
    return "an estimated " if EnergyMethod.ESTIMATED.value in methods else ""
