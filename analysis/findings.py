"""All results of one study's analysis, computed once; tables, figures and report only present them."""

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
from analysis.ranking.chance import evidence_above_chance
from analysis.ranking.criteria import RankBy
from analysis.ranking.ranking import ChoiceRule, Ranking, rank
from analysis.ranking.shared_curves import with_shared_scores
from analysis.ranking.tolerance import allowed_shortfall, requirements
from analysis.read.comparable import comparable
from analysis.read.load import Study
from study.inference.choice import Aim, Preference
from study.record.files import EnergyUnit
from study.record.manifest import SetupFacts
from study.record.objective import Objective
from study.record.vocabulary import EnergyMethod, ranked_stage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """The results of analysing one study.

    Attributes:
        study: The study, with energies that may be compared.
        setups: Energy and accuracy of each setup over its repeats, ordered by setup number.
        bill: Energy of the whole study, part by part.
        ranking: The setups in the recommended order.
        recommendation: The recommendation in words, with its caveats.
        labels: Words that every title must carry, such as `estimated` or `data: synthetic`.
        ranked_stage: Stage that `setups` and `ranking` refer to; None where a trial has a single stage.
        paradigm: Results of the stages, and those of a pretraining study, multitask study or search.
        target: Value of the objective for the energy to target; None if there is none.
        factors: Factors that convert energy into greenhouse gas and money; None if not requested.
        scopes: Sentences on whether the answer changes when another energy scope ranks; empty where
            no other was measured.
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
        """Name of the study's objective, and how its values are formatted."""
        return ScoreForm(self.study.manifest.objective)

    @property
    def unit(self) -> EnergyUnit:
        """The unit in which all energies of the study are shown."""
        return self.study.unit

    def titled(self, title: str) -> str:
        """Return a title with the labels that this study's energies and accuracies need."""
        return titled(title, self.labels)

    def staged(self, title: str) -> str:
        """Return the title of a table over setups, with the ranked stage, if any, and the labels."""
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
    """Analyse a study: energies, ranking, recommendation and the results of its paradigm.

    Args:
        study: A loaded study, finished or not.
        tolerance: How much of the objective may be given up to save energy, as a fraction: 0.01 is
            one percentage point if the objective is a share, and 1 % of the best setup's value
            otherwise. None: the study's own tolerance, or 0.01.
        by: Criterion that the setups are ranked by.
        target: Value of the objective for the energy to target. None: the study's own target, or,
            when setups are ranked by the energy to target, the best value less the tolerance.
        baseline: Number of the setup that savings are also given against.
        factors: Factors that convert energy into greenhouse gas and money; None: neither is given.
        prefer: Energy that each point of shortfall beyond the tolerance is worth. None: the study's
            own preference, or balanced.
        choice: Rule that chooses the recommended setup when setups are ranked by energy.

    Raises:
        AnalysisError: Accuracy per Wh is asked for, but the objective is not a share to be maximized.

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
    aim = requirements(study.manifest.options, tolerance=tolerance, prefer=prefer)
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
    """Return the recommendation for other options, reusing energies and paradigm results.

    Args:
        findings: Results of the first analysis.
        tolerance: See `analyse`.
        by: See `analyse`; the energy to target is the one to the target of `findings`.
        baseline: See `analyse`.
        prefer: See `analyse`.
        choice: See `analyse`.
    """
    study, paradigm = findings.study, findings.paradigm
    ranking = _ranked(
        study,
        findings.setups,
        aim=requirements(study.manifest.options, tolerance=tolerance, prefer=prefer),
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
    evidence, at_chance = evidence_above_chance(setups, aim, study.manifest.data, objective)
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
    """Setups that a search recommends; empty if the user ranks by another criterion than energy."""
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
    """Return sentences on how the study's other energy scopes would rank, by the same rules."""
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
    """Return the energies of a study's setups, from its epochs and trials."""
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
    """Refuse accuracy per Wh for an objective that is not a share to be maximized."""
    objective = study.manifest.objective
    if objective.is_share and objective.mode == "max":
        return
    if by is RankBy.ACCURACY_PER_WH:
        message = (
            f"--rank-by is {by}, but the objective of {study.path} is {objective}, of which there are no "
            "points to be gained per Wh; allowed: energy, energy-delay or energy-to-target."
        )
        raise AnalysisError(message)


def _reachable(
    setups: Sequence[SetupEnergy], tolerance: float, objective: Objective
) -> float | None:
    """Return the best setup's value less the tolerance, the same threshold as in the ranking."""
    best = objective.best(each.accuracy for each in setups)
    if best is None:
        return None
    goal = objective.gain(objective.gain(best) - allowed_shortfall(tolerance, setups, objective))
    return max(goal, 0.0) if objective.is_share else goal


def labels_of(study: Study) -> tuple[str, ...]:
    """Return the labels without which the study's numbers must not be shown."""
    methods = set(study.epochs["energy_method"].dropna())
    if not methods:  # the set-up before the first epoch may be measured when no epoch is yet
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
