"""Findings about a configuration."""

from __future__ import annotations

import re
from collections.abc import Sequence

from phoenix_nb.errors import ConfigError, JsonValue, UnsupportedComponentError
from phoenix_nb.interfaces.pipeline import Problem, Severity

__all__ = ["ConfigProblem", "on_one_line", "refusal"]

UNSUPPORTED = "COMPONENT_UNSUPPORTED"


class ConfigProblem(Problem):
    """One finding, and what the collector itself would print about it."""

    collector_text: str = ""
    """What ``otelcol validate`` prints after ``Error:``, line breaks included; empty when only this check finds it."""


def on_one_line(text: str) -> str:
    """A message of the collector without its line breaks and the indentation after them."""
    return re.sub(r"\s*\n\s*", " ", text)


def refusal(problems: Sequence[ConfigProblem]) -> ConfigError:
    """The error that carries all problems."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    listed: list[JsonValue] = [
        problem.model_dump(mode="json", exclude={"collector_text"}) for problem in problems
    ]
    kind = UnsupportedComponentError if all(item.code == UNSUPPORTED for item in errors) else ConfigError
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    first = errors[0]
    where = f"{first.path}: " if first.path else ""
    hints = [first.hint, *(["`phoenix collector validate` shows every finding"] if more else [])]
    return kind(
        f"{where}{first.message}{more}", hint="; ".join(filter(None, hints)), details={"problems": listed}
    )
