"""`python -m study.pretraining`: does pretraining an encoder pay, and does freezing it save?

The paper's pretraining paradigm (arXiv 2401.01851, Figures 1 and 4, Table 3, equation 2): for each
setup an autoencoder is trained, then a classifier on top of its encoder, once frozen and once
unfrozen, and as the baseline encoder and classifier together from scratch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from study.command.running import main as run_command
from study.design import Design
from study.record.vocabulary import Paradigm, Stage
from study.repeats.options import ComparisonOptions
from study.scenario import Pretrainable, Scenario
from study.store.grid import grid_of
from trackers import process_end, terminal


@dataclass(frozen=True, kw_only=True)
class PretrainingOptions(ComparisonOptions):
    """Options of `study.pretraining`.

    Attributes:
        cache_latents: Apply a frozen encoder to all samples once, in the first epoch of its stage,
            instead of in every epoch.
    """

    cache_latents: bool = True


def stages(scenario: Scenario) -> tuple[Stage, ...]:
    """Return the four stages, without the encoder's where the scenario cannot pretrain one."""
    trained_on_it = (
        Stage.CLASSIFIER_FROZEN,
        Stage.CLASSIFIER_UNFROZEN,
        Stage.ENCODER_CLASSIFIER,
    )
    return (Stage.ENCODER, *trained_on_it) if isinstance(scenario, Pretrainable) else trained_on_it


DESIGN = Design(
    paradigm=Paradigm.PRETRAINING,
    stages=stages,
    setups=grid_of,
    caches_latents=lambda options: options.cache_latents,
)

DESCRIPTION = """Train an autoencoder, classifiers on its encoder (frozen and unfrozen), and both together from scratch.

It ends with what pretraining costs and saves: after how many trainings it has paid for itself
(break-even), and what freezing the encoder saves.

  python -m study.pretraining --smoke                                  try it out (two minutes)
  python -m study.pretraining --scenario watch          real smartwatch data
  python -m study.pretraining --data-dir data/pamap2                   the real PAMAP2
  python -m study.pretraining --name NAME --resume                     resume after an interruption
"""


def main(args: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    return run_command(
        DESIGN,
        program="study.pretraining",
        description=DESCRIPTION,
        args=args,
        options_of=PretrainingOptions,
    )


if __name__ == "__main__":
    process_end.leave(terminal.run(main))
