"""The outlook of a study: which trials it will have, and what may end it before."""

import math
from collections.abc import Sequence

from study.execution.live.outlook import Outlook
from study.execution.trial_source import TrialSource
from study.options import StudyOptions
from study.record.files import J_PER_WH
from study.record.manifest import Manifest
from study.record.search.goal import most_epochs
from study.record.vocabulary import Paradigm
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, trial_plan, trial_plans
from study.store.stage_order import chosen_stages
from study.training.recipe import validations_of


def outlook_of(
    options: StudyOptions, manifest: Manifest, *, source: TrialSource, recorder: Recorder
) -> Outlook | None:
    """Return the outlook of a study.

    Args:
        options: Of the command.
        manifest: Of the study.
        source: Where its trials come from.
        recorder: Has their rows.

    Returns:
        None where nothing can be known: most of a trial's rows are not known beforehand, or the study is a search
        without a budget.
    """
    every, budget_wh = options.validate_every, manifest.options.get("energy_budget_wh")
    is_search = manifest.paradigm is Paradigm.SEARCH
    if (is_search and budget_wh is None) or (every is not None and every >= 1):
        return None
    most = most_epochs(manifest.options)
    by_number = {each.setup: each for each in manifest.setups}
    first = trial_plans(manifest.setups, manifest.seeds, shuffle_seed=options.seed)

    def plans() -> Sequence[TrialPlan]:
        if is_search:
            return ()  # how many it will want nobody knows
        begun = [trial_plan(by_number[f.setup], f.seed) for f in source.further]
        known = [*first, *begun]
        # Of which setups those to come will be is decided late: here, of all in turn.
        seed = max((each.seed for each in known), default=0) + 1
        places = range(0 if source.may_grow else max(0, source.expected - len(known)))
        setups = manifest.setups
        coming = [
            trial_plan(setups[place % len(setups)], seed + place // len(setups)) for place in places
        ]
        return [*known, *coming]

    def validations(plan: TrialPlan) -> int:
        steps = math.ceil((manifest.data.train_samples or 1) / plan.trained_with[0])
        return validations_of(steps, every)

    return Outlook(
        plans=plans,
        validations=validations,
        may_grow=lambda: source.may_grow,
        budget_j=None if budget_wh is None else budget_wh * J_PER_WH,
        stages=lambda plan: chosen_stages(manifest.stages, plan.chosen),
        epochs_of=recorder.epochs_of,
        trial_of=recorder.trial,
        objective=manifest.objective,
        max_epochs=most,
        patience=options.patience * most // options.max_epochs,
    )
