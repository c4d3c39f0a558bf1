"""What is told about chosen rules: what each saves and loses, and what else could be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from phoenix_nb.analysis.optimize._parts import Parts
from phoenix_nb.analysis.optimize._search import front, greedy
from phoenix_nb.interfaces.optimization import OptimizationRequest, OptimizedRule, ParetoPoint

__all__ = ["described", "notes", "pareto"]

_MOST_NAMES: Final = 20


def described(parts: Parts, chosen: Sequence[int]) -> list[OptimizedRule]:
    """Per rule what it saves and loses after the rules before it, over the whole recording."""
    table = parts.whole
    seen = table.observed
    alive = np.ones(len(seen), dtype=np.bool_)
    shown = alive.copy()
    rows = []
    for at in chosen:
        rule = parts.rules[at]
        hit = table.masks[at] & alive
        lost = table.masks[at] & shown if not rule.lossless else np.zeros_like(hit)
        alive &= ~hit
        shown &= ~lost
        counts = np.bincount(seen.name[hit & (seen.name >= 0)], minlength=len(seen.names))
        order = np.argsort(-counts, kind="stable")[:_MOST_NAMES].tolist()
        rows.append(
            OptimizedRule(
                kind=rule.kind,
                text=rule.text,
                saves_series=int(hit.sum()),
                saves_points=int(seen.points[hit].sum()),
                loses=min(1.0, float(seen.weight[lost].sum())),
                names=tuple(seen.names[n] for n in order if counts[n]),
            )
        )
    return rows


def notes(
    parts: Parts, chosen: Sequence[int], request: OptimizationRequest, rules: Sequence[OptimizedRule]
) -> list[str]:
    """The comment at the top of a configuration."""
    keeps = ", ".join(request.critical).replace("\n", " ") or "nothing was named"
    found = (
        f"Found by searching a recording: {parts.whole.saving(chosen):.1%} fewer distinct series, while"
        f" {parts.whole.fidelity(chosen):.1%} of what the metrics add up to is still shown."
    )
    lines = [
        found,
        f"Always kept, with {', '.join(request.required_metrics)}: {keeps}",
    ]
    return lines + [
        f"  {rule.text} {rule.saves_series:,} series fewer, {rule.loses:.2%} no longer shown."
        for rule in rules
    ]


def pareto(parts: Parts) -> tuple[ParetoPoint, ...]:
    """Saving against fidelity, least saving first."""
    return tuple(
        ParetoPoint(
            saving=one.saving,
            fidelity=one.fidelity,
            unaltered=one.unaltered,
            rules=one.count,
            added=parts.rules[one.last].text if one.last >= 0 else "Nothing is dropped.",
        )
        for one in front(parts.whole, greedy(parts.fit, 1.0))
    )
