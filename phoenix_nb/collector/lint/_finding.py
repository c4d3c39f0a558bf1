"""One finding of the linter."""

from __future__ import annotations

from phoenix_nb.interfaces._value import Value

__all__ = ["LintFinding"]


class LintFinding(Value):
    """A trap in a valid configuration."""

    path: str
    """Where it is, keys joined by ``::``."""
    message: str
    """What is there."""
    code: str
    """A stable name of the trap."""
    why: str
    """What will happen, and why."""
    suggestion: str
    """A change that helps."""
    certain: bool = False
    """Whether it is known to happen, from the text alone or from payloads; otherwise it depends on the payloads."""
