"""Everything that is said of one study, computed once; tables, figures and report only draw it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from analysis.advice.carbon import Factors
from analysis.advice.recommendation import Recommendation, recommend
from analysis.advice.scope_text import ScopeAnswer, scope_text
from analysis.energy.bill import Bill, study_bill
from analysis.energy.scopes import COMPONENTS_OF, WORDS, by_scope, measured_components, other_scopes
from analysis.energy.stages import frames_of_stage
from analysis.energy.tested import test_accuracy
from analysis.energy.totals import SetupEnergy, setup_energies, trial_energies
from analysis.errors import AnalysisError
from analysis.forms.scores import ScoreForm
from analysis.forms.titles import titled
from analysis.paradigms import ParadigmInfo, paradigm_info
from analysis.ranking.chance import weighed
from analysis.ranking.criteria import RankBy
from analysis.ranking.ranking import ChoiceRule, Ranking, rank
from analysis.ranking.shared_curves import with_shared_scores
from analysis.ranking.tolerance import allowed, asked
from analysis.read.comparable import comparable
from analysis.read.load import Study
from study.inference.choice import Aim, Preference
from study.record.files import EnergyUnit
from study.record.manifest import SetupFacts
from study.record.objective import Objective
from study.record.vocabulary import EnergyMethod, ranked_stage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """The findings of a study.

    Attributes:
        study: The study.
        setups: Each setup over its repeats, in the order of their numbers.
        bill: What the study used in all.
        ranking: The setups in order of what we advise.
        recommendation: That advice in words, with its caveats.
        labels: What must stand in every title: `estimated`, `data: synthetic`.
        ranked_stage: The stage that `setups` and `ranking` are about; None where a trial has one.
        paradigm: What its stages say: pretraining, multitask.
        target: Value of the objective for the energy to target; None if there is none.
        factors: What turns energy into greenhouse gas and money; None if not asked for.
        scopes: Whether the answer changes with the energy that ranks, in words; empty where no other
            was measured.
    """

    study: Study
    setups: tuple[SetupEnergy, ...]
    bill: Bill
    ranking: Ranking
    recommendation: Recommendation
    labels: tuple[str, ...]
    ranked_stage: str | None
    paradigm: ParadigmInfo
    target: float | None
    factors: Factors | None
    scopes: str = ""

    @property
    def score(self) -> ScoreForm:
        """Name of the study's objective, and the form of its values."""
        return ScoreForm(self.study.manifest.objective)

    @property
    def unit(self) -> EnergyUnit:
        """The one unit of the study's energies."""
        return self.study.unit

    def titled(self, title: str) -> str:
        """A title with the labels that this study's energies and accuracies need."""
        return titled(title, self.labels)

    def staged(self, title: str) -> str:
        """The title of a table over setups: with the stage that it is about, and the labels."""
        return self.titled(f"{title}, stage {self.ranked_stage}" if self.ranked_stage else title)


def analyse(
    study: Study,
    *,
    tolerance: float | None = None,
    by: RankBy = RankBy.ENERGY,
    target: float | None = None,
    baseline: int | None = None,
    factors: Factors | None = None,
    prefer: Preference | None = None,
    choice: ChoiceRule = ChoiceRule.EXPECTED,
) -> Findings:
    """Compute everything that is said of a study.

    Args:
        study: A loaded study, finished or not.
        tolerance: What may be given up of the objective for energy; a share, 0.01 is one point of
            an objective that is a share and 1 % of the best setup's value of any other. Left out:
            the study's own, or 0.01.
        by: What setups are ranked by.
        target: Value of the objective for the energy to target. Left out: the study's own, or,
            where setups are ranked by it, the best one less the tolerance.
        baseline: Number of the setup that savings are also given against.
        factors: What turns energy into greenhouse gas and money, if that is asked for.
        prefer: What a point of the objective is worth beyond the tolerance; left out: likewise.
        choice: How the setup to use is chosen, where setups are ranked by energy.

    Raises:
        AnalysisError: What is asked for has a meaning only for a share that is to be large.

    Examples:
        >>> from analysis import load
        >>> study = load("tests/analysis/fixture/regime")  # yours: "results/watch"
        >>> findings = analyse(study, tolerance=0.01)
        >>> findings.recommendation.setup
        2
    """
    objective = study.manifest.objective
    _check_objective(study, by)
    given, study = study, comparable(study)
    stage = ranked_stage(study.manifest.paradigm, study.manifest.stages)
    rows = (study.epochs, study.trials)
    goal = study.manifest.options.get("target") if target is None else target
    ranked_rows = rows if stage is None else frames_of_stage(*rows, stage)
    facts = study.manifest.setups
    aim = asked(study.manifest.options, tolerance=tolerance, prefer=prefer)
    setups = _setups(facts, ranked_rows, goal, objective)
    if goal is None and by is RankBy.ENERGY_TO_TARGET:
        goal = _reachable(setups, aim.tolerance, objective)
        setups = _setups(facts, ranked_rows, goal, objective)
    paradigm = paradigm_info(study)
    ranked = partial(_ranked, aim=aim, by=by, rule=choice)
    ranking = ranked(study, setups, baseline=baseline, answer=_answer_of_search(paradigm, by))
    return Findings(
        study=study,
        setups=setups,
        bill=study_bill(study.epochs, study.trials),
        ranking=ranking,
        recommendation=_recommended(
            study, setups, ranking, paradigm=paradigm, stage=stage, factors=factors
        ),
        labels=labels_of(study),
        ranked_stage=stage,
        paradigm=paradigm,
        target=goal,
        factors=factors,
        scopes=_scopes_text(
            given,
            _answer(study, setups, ranking, paradigm),
            rank_again=ranked,
            stage=stage,
            goal=goal,
        ),
    )


def asked_otherwise(
    findings: Findings,
    *,
    tolerance: float | None = None,
    by: RankBy = RankBy.ENERGY,
    baseline: int | None = None,
    prefer: Preference | None = None,
    choice: ChoiceRule = ChoiceRule.EXPECTED,
) -> Recommendation:
    """Return the advice to another question: energies and paradigms stay as they were computed.

    Args:
        findings: What the study says to the first question.
        tolerance: See `analyse`, as the others.
        by: Likewise; the energy to target is that of the findings' target.
        baseline: Likewise.
        prefer: Likewise.
        choice: Likewise.
    """
    study, paradigm = findings.study, findings.paradigm
    ranking = _ranked(
        study,
        findings.setups,
        aim=asked(study.manifest.options, tolerance=tolerance, prefer=prefer),
        by=by,
        rule=choice,
        baseline=baseline,
        answer=_answer_of_search(paradigm, by),
    )
    return _recommended(
        study,
        findings.setups,
        ranking,
        paradigm=paradigm,
        stage=findings.ranked_stage,
        factors=findings.factors,
    )


def _ranked(
    study: Study,
    setups: Sequence[SetupEnergy],
    *,
    aim: Aim,
    by: RankBy,
    rule: ChoiceRule,
    baseline: int | None = None,
    answer: frozenset[int] = frozenset(),
) -> Ranking:
    objective = study.manifest.objective
    evidence, at_chance = weighed(setups, aim, study.manifest.data, objective)
    return rank(
        setups,
        tolerance=aim.tolerance,
        by=by,
        baseline=baseline,
        rule=rule,
        evidence=evidence,
        at_chance=at_chance,
        objective=objective,
        answer=answer,
    )


def _answer_of_search(paradigm: ParadigmInfo, by: RankBy) -> frozenset[int]:
    """Setups that a search has answered with; by another criterion the user asks for another order."""
    search = paradigm.search
    return frozenset() if search is None or by is not RankBy.ENERGY else frozenset(search.answer)


def _recommended(
    study: Study,
    setups: Sequence[SetupEnergy],
    ranking: Ranking,
    *,
    paradigm: ParadigmInfo,
    stage: str | None,
    factors: Factors | None,
) -> Recommendation:
    epochs = study.epochs
    if stage is not None:
        epochs, _ = frames_of_stage(study.epochs, study.trials, stage)
    first = ranking.first
    return recommend(
        study,
        setups,
        ranking,
        paradigm=paradigm,
        stage=stage,
        factors=factors,
        test_accuracy=None if first is None else test_accuracy(epochs, first.setup.setup),
    )


def _scopes_text(
    study: Study,
    own: ScopeAnswer,
    *,
    rank_again: Callable[[Study, tuple[SetupEnergy, ...]], Ranking],
    stage: str | None,
    goal: float | None,
) -> str:
    """Say how the other energies of a study would rank, by the same rules."""
    answers = []
    for scope in other_scopes(study):
        other = by_scope(study, scope)
        rows = (other.epochs, other.trials)
        ranked = rows if stage is None else frames_of_stage(*rows, stage)
        setups = _setups(study.manifest.setups, ranked, goal, study.manifest.objective)
        answers.append(_answer(other, setups, rank_again(other, setups), paradigm_info(other)))
    return scope_text(own, answers, study.unit)


def _setups(
    facts: Sequence[SetupFacts],
    rows: tuple[pd.DataFrame, pd.DataFrame],
    target: float | None,
    objective: Objective,
) -> tuple[SetupEnergy, ...]:
    """The setups of a study, from its epochs and trials."""
    _, trials = rows
    energies = trial_energies(*rows, target=target, objective=objective)
    seeds = dict(zip(trials["trial_id"], trials["seed"], strict=True))
    return with_shared_scores(setup_energies(facts, energies), energies, seeds)


def _answer(
    study: Study, setups: tuple[SetupEnergy, ...], ranking: Ranking, paradigm: ParadigmInfo
) -> ScopeAnswer:
    pooled = None if paradigm.pretraining is None else paradigm.pretraining.frozen.pooled
    methods = set(study.epochs["energy_method"].dropna())
    return ScopeAnswer(
        scope=study.manifest.energy_of,
        estimated=EnergyMethod.ESTIMATED.value in methods,
        first=None if ranking.first is None else ranking.first.setup,
        setups=setups,
        cycles=pooled.cycles if pooled is not None and pooled.pays else None,
    )


def _check_objective(study: Study, by: RankBy) -> None:
    """Refuse what is said in points of a share that is to be large, of an objective that is none."""
    objective = study.manifest.objective
    if objective.is_share and objective.mode == "max":
        return
    if by is RankBy.ACCURACY_PER_WH:
        message = (
            f"--rank-by is {by}, but the objective of {study.path} is {objective}, of which there are no "
            "points to be gained per Wh; allowed are energy, energy-delay and energy-to-target."
        )
        raise AnalysisError(message)


def _reachable(
    setups: Sequence[SetupEnergy], tolerance: float, objective: Objective
) -> float | None:
    """The best setup's value less the tolerance: what counts as good enough elsewhere."""
    best = objective.best(each.accuracy for each in setups)
    if best is None:
        return None
    goal = objective.gain(objective.gain(best) - allowed(tolerance, setups, objective))
    return max(goal, 0.0) if objective.is_share else goal


def labels_of(study: Study) -> tuple[str, ...]:
    """The words without which the study's numbers must not be shown."""
    methods = set(study.epochs["energy_method"].dropna())
    if not methods:  # set-ups have an energy before the first epoch has one
        ranks = COMPONENTS_OF[study.manifest.energy_of]
        every = (each for node in study.manifest.nodes for each in node.components)
        methods = {each.method for each in every if each.component in ranks}
    estimated = EnergyMethod.ESTIMATED.value in methods
    labels = []
    if estimated:
        labels.append("estimated" if len(methods) == 1 else "partly estimated")
    if study.manifest.data.synthetic:
        labels.append("data: synthetic")
    if len(measured_components(study)) > 1:
        labels.insert(0, f"energy of {WORDS[study.manifest.energy_of]}")
    return (*labels, *study.labels)
