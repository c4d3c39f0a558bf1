"""Verdicts and states as word, symbol and tone: never by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONDITION_SIGNS", "VERDICT_SIGNS", "Sign", "verdict_sign"]


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state is shown."""

    word: str
    """The word."""
    glyph: str
    """One character that tells the states apart without colour."""
    tone: str
    """Colour family: good, bad, warn, live or calm."""
    meaning: str
    """One sentence for readers who meet the word first."""


VERDICT_SIGNS: dict[str, Sign] = {
    "PROMOTE": Sign("Promote", "✓", "good", "Every condition of the plan is met."),
    "REJECT": Sign("Reject", "✕", "bad", "A condition of the plan is violated for good."),
    "KEEP_RUNNING": Sign("Keep running", "▶", "live", "Neither promotion nor rejection is justified yet."),
    "INCONCLUSIVE": Sign(
        "Inconclusive", "?", "calm", "The planned time is over and nothing is decided: a person decides."
    ),
    "UNHEALTHY": Sign(
        "Unhealthy", "!", "bad", "The run cannot be trusted, so no figure of it counts as a saving."
    ),
    "TOO_SHORT": Sign(
        "Too short", "◔", "warn", "The run is too short for a projection; its own figures are exact."
    ),
    "DRIFT": Sign("Drift", "≠", "warn", "The effect changed during the run: start a new window."),
}

CONDITION_SIGNS: dict[str, Sign] = {
    "met": Sign("met", "✓", "good", ""),
    "open": Sign("not met", "○", "warn", ""),
    "decided": Sign("violated", "✕", "bad", ""),
}
"""How one condition stands: it holds, it does not hold (yet), or its violation decided the run."""


def verdict_sign(state: str | None, *, live: bool = False) -> Sign:
    """The sign of a verdict; of a run that has none yet when ``state`` is ``None`` or unknown.

    Args:
        state: the verdict.
        live: whether the run goes on: one that is too short so far is nothing to worry about yet.
    """
    if state is None or state not in VERDICT_SIGNS:
        return Sign("No verdict yet", "·", "calm", "The run has not gone far enough to say anything.")
    if live and state == "TOO_SHORT":
        return Sign("Too short so far", "◔", "calm", VERDICT_SIGNS[state].meaning)
    return VERDICT_SIGNS[state]
