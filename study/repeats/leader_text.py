"""The line that a study shows when it trains a setup once more: who leads, how surely, and what is trained."""

from study.inference.choice import NEAR, probability_text
from study.repeats.deciding import Decision


def leader_text(decision: Decision, repeat: int, *, before: Decision | None) -> str:
    """Return the line.

    The first one says what the probability is of, and why it is no sign of a fault where it falls.

    Args:
        decision: What is known now.
        repeat: Which of its trainings the setup begins, from 1.
        before: Decision of the line before; None for the first of a run.
    """
    leads = f"setup {decision.answer} leads"
    right = probability_text(decision.right)
    trained = f"next: repeat {repeat} of setup {decision.repeat}"
    if before is None:
        return (
            f"{leads}: with a probability of {right} it is good enough and within {100 * NEAR:.0f} % of the "
            f"least energy. The probability can fall as results come in; "
            f"{trained}, the most informative run"
        )
    was = probability_text(before.right)
    if before.answer != decision.answer:
        return f"{leads} now, with {right}; setup {before.answer}, with {was} before, no longer does; {trained}"
    change = f"as before with {right}" if was == right else f"with {right}, {was} before"
    return f"{leads}, {change}; {trained}"
