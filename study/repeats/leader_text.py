"""Line that is shown when a further training begins: which setup leads, how surely, and what is trained."""

from study.inference.choice import NEAR, probability_text
from study.repeats.deciding import Decision


def leader_text(decision: Decision, repeat: int, *, before: Decision | None) -> str:
    """Return the line.

    The first line explains what the probability means, and that it may fall without anything being wrong.

    Args:
        decision: The present decision.
        repeat: Number of the setup's training that begins, from 1.
        before: Decision of the previous line; None for the first line of a run.
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
