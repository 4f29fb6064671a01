"""`python -m study.multitask`: do two tasks train cheaper together than one by one?

The paper's multitask paradigm (arXiv 2401.01851, Figures 2 and 5, Table 4): for each setup the
attributes alone, the identity alone, and both with one encoder, whose loss is
alpha x attributes + (1 - alpha) x identity.
"""

import sys
from dataclasses import dataclass
from typing import Annotated

from study.command import main
from study.design import Design
from study.options import StudyOptions, tyro_arg
from study.record.records import Paradigm, Stage
from study.store.setups import grid

STAGES = (Stage.ATTRIBUTES, Stage.IDENTITY, Stage.BOTH)


@dataclass(frozen=True, kw_only=True)
class MultitaskOptions(StudyOptions):
    """What `study.multitask` takes.

    Attributes:
        scenario: celeba, or package.module:name of your own with two tasks.
        alpha: Weight of the attributes' loss in the stage `both`; several make one more axis of
            the grid.
    """

    scenario: Annotated[str, tyro_arg("NAME")] = "celeba"
    alpha: Annotated[tuple[float, ...], tyro_arg("SHARE ...")] = (0.5,)


DESIGN = Design(
    paradigm=Paradigm.MULTITASK,
    stages=lambda _: STAGES,
    setups=lambda options: grid(options.batch_sizes, options.learning_rates, alphas=options.alpha),
)

DESCRIPTION = """Train attributes alone, identity alone, and both together with one encoder.

It ends with the energy of both tasks together against the two trainings one by one, and what that
does to the accuracy of each. Early stopping watches the accuracy of the task; with both, the mean
of the two.

  python -m study.multitask --smoke                            try it out
  python -m study.multitask --data-dir data/celeba             the real CelebA
  python -m study.multitask --alpha 0.25 0.5 0.75              weights of the attributes' loss
  python -m study.multitask --name NAME --resume               go on after an interruption
"""

if __name__ == "__main__":
    sys.exit(
        main(
            DESIGN,
            program="study.multitask",
            description=DESCRIPTION,
            args=sys.argv[1:],
            options_of=MultitaskOptions,
        )
    )
