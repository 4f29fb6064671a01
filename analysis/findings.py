"""Everything that is said of one study, computed once; tables, figures and report only draw it."""

from dataclasses import dataclass

from analysis.energy import Bill, SetupEnergy, setup_energies, study_bill, trial_energies
from analysis.load import Study
from analysis.ranking import DEFAULT_TOLERANCE, Ranking, rank
from analysis.recommendation import Recommendation, recommend
from study.records import EnergyMethod


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What a study says.

    Attributes:
        study: The study.
        setups: Each setup over its repeats, in the order of their numbers.
        bill: What the study used in all.
        ranking: The setups in order of what we advise.
        recommendation: That advice in words, with its caveats.
        labels: What must stand in every title: `estimated`, `data: synthetic`.
    """

    study: Study
    setups: tuple[SetupEnergy, ...]
    bill: Bill
    ranking: Ranking
    recommendation: Recommendation
    labels: tuple[str, ...]

    def titled(self, title: str) -> str:
        """A title with the labels that this study's energies and accuracies need."""
        return f"{title} ({'; '.join(self.labels)})" if self.labels else title


def analyse(study: Study, *, tolerance: float = DEFAULT_TOLERANCE) -> Findings:
    """Compute everything that is said of a study.

    Args:
        study: A loaded study, finished or not.
        tolerance: Accuracy that may be given up for energy; a share, 0.01 is one point.
    """
    trials = trial_energies(study.epochs, study.trials)
    setups = setup_energies(study.manifest.setups, trials)
    ranking = rank(setups, tolerance=tolerance)
    return Findings(
        study=study,
        setups=setups,
        bill=study_bill(study.epochs, study.trials),
        ranking=ranking,
        recommendation=recommend(study, setups, ranking),
        labels=labels_of(study),
    )


def labels_of(study: Study) -> tuple[str, ...]:
    """The words without which the study's numbers must not be shown."""
    methods = set(study.epochs["energy_method"].dropna())
    estimated = EnergyMethod.ESTIMATED.value in methods
    labels = []
    if estimated:
        labels.append("estimated" if len(methods) == 1 else "partly estimated")
    if study.manifest.data.synthetic:
        labels.append("data: synthetic")
    return tuple(labels)
