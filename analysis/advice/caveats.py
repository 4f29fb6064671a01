"""Caveats of a recommendation, one sentence each, the weightiest first."""

import statistics
from collections.abc import Iterator, Sequence

from analysis.advice.readings import about_readings, setups_text
from analysis.energy.totals import SetupEnergy
from analysis.forms.scores import ScoreForm
from analysis.quantities import (
    ascending,
    count_text,
    energy_text,
    enumeration,
    percent_text,
    sentence,
)
from analysis.ranking.ranking import Ranking
from analysis.read.load import Study
from study.inference.choice import probability_text
from study.record.objective import ACCURACY
from study.record.tune_rows import SEED_KEY
from study.record.vocabulary import Paradigm, StopReason, TrialStatus

MANY_CUT_OFF = 0.5
"""Least share of trainings cut off at the limit of epochs that gets a caveat."""


FEW_STEPS = 2
"""With this number of steps or fewer, the first may well take half of a training's energy."""

HEAVY_START = 0.5
"""Least share of a training's energy in its first step that gets a caveat."""

UNLIKE_BOARDS = 0.02
"""Least relative difference between boards that gets a caveat."""


def caveats(
    study: Study, setups: Sequence[SetupEnergy], ranking: Ranking, *, is_tested: bool
) -> Iterator[str]:
    """Yield the limits of a recommendation, one sentence each.

    Args:
        study: The study.
        setups: Energies of its setups, in the ranked stage.
        ranking: Ranking of these setups.
        is_tested: Whether the recommended setup has a score on a test set.
    """
    yield from _about_choice(ranking)
    yield from _about_boards(ranking)
    yield from about_readings(study, setups)
    yield from _about_accuracy(study, ranking, is_tested=is_tested)
    yield from _about_trials(study, setups)
    yield from _about_counts(setups, ScoreForm(ranking.objective))
    yield from _about_setups(setups, ranking)
    yield from _about_compiling(study, setups)
    yield from _about_first_steps(study)
    yield from study.notes
    yield from study.manifest.warnings


def _about_choice(ranking: Ranking) -> Iterator[str]:
    """Name the setup that the other choice rule would recommend, if it differs."""
    first, evidence, other = ranking.first, ranking.evidence, ranking.other_rule_setup
    if first is None or evidence is None or other is None or ranking.answer:
        return
    if other == first.setup.setup:
        return
    within = evidence.within(other), evidence.within(first.setup.setup)
    if not ranking.by_expected_loss or within[0] is None or within[1] is None:
        yield f"`--choice {'threshold' if ranking.by_expected_loss else 'expected'}` chooses setup {other}."
        return
    score = ScoreForm(ranking.objective)
    yield (
        f"Setup {other} is {score.enough} with a probability of {probability_text(within[0])}, the "
        f"recommended one with {probability_text(within[1])}: it would be the answer by the means alone "
        "(`--choice threshold`)."
    )


def _about_boards(ranking: Ranking) -> Iterator[str]:
    """State by how much boards differ in the same setups, if that is not negligible."""
    boards = None if ranking.evidence is None else ranking.evidence.boards
    if boards is not None and boards.widest >= UNLIKE_BOARDS:
        yield (
            f"The {len(boards.boards)} boards differ by up to {percent_text(boards.widest, decimals=0)} in "
            "the same setups: intervals, probabilities and the choice are without that, the energies "
            "in the tables are as measured."
        )


def _about_accuracy(study: Study, ranking: Ranking, *, is_tested: bool) -> Iterator[str]:
    data, score = study.manifest.data, ScoreForm(ranking.objective)
    if data.synthetic:
        yield f"The data are synthetic: {score.values} say nothing about real data."
    elif ranking.best is not None and not is_tested:
        less = "less" if ranking.objective.mode == "max" else "more"
        yield sentence(
            f"{score.values} are those of the best epoch on the validation set that chose it: on new "
            f"data expect {less}"
        )
    best = None if ranking.best is None else ranking.best.accuracy
    if data.chance_accuracy is None or ranking.objective != ACCURACY:
        return
    if best is not None and best <= data.chance_accuracy:
        yield (
            f"No setup is better than always naming the commonest class "
            f"({percent_text(data.chance_accuracy)}): nothing was learnt, and the cheapest "
            "setup is only the one that gave up first."
        )
        return
    guessing = [row.setup.setup for row in ranking.rows if row.at_chance]
    if guessing:
        yield (
            f"{setups_text(guessing)} cannot be distinguished from always naming the commonest class "
            f"({percent_text(data.chance_accuracy)}): nothing was learnt there, however little energy it used."
        )


def _about_trials(study: Study, setups: Sequence[SetupEnergy]) -> Iterator[str]:
    status = study.manifest.status
    trials = study.trials["status"]
    ended = int((trials == TrialStatus.FINISHED.value).sum())
    of = f" of {study.manifest.trials}"
    if study.manifest.paradigm is Paradigm.SEARCH:
        of = ""  # the number of trials that a search will start is not known
    if status != "finished":
        # A command that was killed could not update the status.
        word = "still running, or its command was killed" if status == "running" else status
        yield f"The study is {word}: {ended}{of} trials have finished."
    failed = int((trials == TrialStatus.FAILED.value).sum())
    if failed:
        yield f"{count_text(failed, 'trial')} failed."
    is_search = study.manifest.paradigm is Paradigm.SEARCH  # in which most trials are stopped early
    for reason, words in (
        (StopReason.DIVERGED, "diverged"),
        (StopReason.OUT_OF_MEMORY, "ran out of memory"),
        *(() if is_search else ((StopReason.STOPPED, "stopped early"),)),
    ):
        which = [s.setup for s in setups if reason in s.stop_reasons and not s.finished]
        if which:
            yield f"{setups_text(which)} {words}: the energy used until then is in no total."
    ends = study.epochs["stop_reason"].dropna()
    cut = float((ends == StopReason.MAX_EPOCHS.value).mean()) if len(ends) else 0.0
    is_known = SEED_KEY not in study.manifest.options  # a user's own trainable may have no limit
    if is_known and cut >= MANY_CUT_OFF:
        yield (
            f"{percent_text(cut, decimals=0)} of the trainings ended at the limit of epochs, not by "
            "early stopping: their totals are what was allowed, not what it takes to converge."
        )
    for setup in setups:
        if setup.failed and setup.finished:
            yield (
                f"Setup {setup.setup}: {setup.failed} of {setup.failed + setup.finished} trainings "
                f"failed{_how_counted(setup)}."
            )


def _how_counted(setup: SetupEnergy) -> str:
    if setup.cost is None:
        return "; what they used is not known, and in no total"
    return ", and what they used is in the energy of each that did not"


def _about_counts(setups: Sequence[SetupEnergy], score: ScoreForm) -> Iterator[str]:
    """Name the setups whose means are over fewer values than a reader would expect."""
    unequal = {
        each.setup: (each.energy_j.count, each.best_accuracy.count)
        for each in setups
        if each.energy_j is not None and each.best_accuracy is not None
        if each.energy_j.count != each.best_accuracy.count
    }
    for setup, (energies, accuracies) in unequal.items():
        yield (
            f"Setup {setup}: the {score.name} is the mean of {count_text(accuracies, 'training')}, the energy of "
            f"{energies}."
        )
    once = [each.setup for each in setups if each.energy_j is not None and each.energy_j.count == 1]
    # If it is all of them, the recommendation itself says so.
    if 0 < len(once) < len(setups):
        word = "has" if len(once) == 1 else "have"
        yield (
            f"{setups_text(once)} {word} the energy of one training only: a difference may be chance."
        )


def _about_setups(setups: Sequence[SetupEnergy], ranking: Ranking) -> Iterator[str]:
    pairs = {
        tuple(ascending(setup.batch_size for setup in setups if setup.setup in group))
        for group in (
            {row.setup.setup, *row.same_training_as} for row in ranking.rows if row.same_training_as
        )
    }
    for sizes in sorted(pairs):
        yield (
            f"Batch sizes {enumeration(sizes)} are the same training: no batch is larger "
            "than the training set."
        )


def _about_compiling(study: Study, setups: Sequence[SetupEnergy]) -> Iterator[str]:
    """State the energy of compiling, which is used before the first epoch and so is in no total."""
    before_j = {
        chosen: statistics.fmean(known)
        for chosen in (True, False)
        if (
            known := [
                each.setup_energy_j.mean
                for each in setups
                if each.setup_energy_j is not None and each.parameters.get("compile") is chosen
            ]
        )
    }
    if len(before_j) > 1 and before_j[True] > before_j[False]:
        with_it, without = (energy_text(before_j[each], study.unit) for each in (True, False))
        yield (
            f"Before its first epoch a training that is compiled used {with_it}, another {without}: "
            "no total has that, and it pays only in a training that is long enough."
        )


def _about_first_steps(study: Study) -> Iterator[str]:
    """Warn if the first step of a user's trainable dominates, because it includes the training's set-up."""
    if SEED_KEY not in study.manifest.options:
        return  # our own trainables and callbacks measure the set-up apart
    by_trial = study.epochs.sort_values("epoch").groupby(["trial_id", "attempt"])["epoch_energy_j"]
    shares = [
        energies_j.iloc[0] / energies_j.sum()
        for _, energies_j in by_trial
        if len(energies_j) > FEW_STEPS and energies_j.notna().all() and energies_j.sum() > 0
    ]
    share = statistics.median(shares) if shares else 0.0
    if share >= HEAVY_START:
        yield (
            f"The first step of a training took {percent_text(share, decimals=0)} of its energy (median): "
            "what a function does before its first `tune.report` (imports, data, compiling) is in it, and "
            "so in the energy per epoch and in all totals. A class of `tune.Trainable` does that in "
            "`setup`, which is kept apart."
        )
