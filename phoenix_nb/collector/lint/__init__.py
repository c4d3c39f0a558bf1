"""Traps that users of the collector fall into: valid configurations that do not do what they seem to."""

from __future__ import annotations

from phoenix_nb.collector.lint._facts import FactsCollector, StepFacts
from phoenix_nb.collector.lint._finding import LintFinding
from phoenix_nb.collector.lint._lint import lint_config

__all__ = ["FactsCollector", "LintFinding", "StepFacts", "lint_config"]
