"""The live picture of the projected saving: a small inline SVG, drawn without any library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from phoenix_nb.reporting._charts import thin

__all__ = ["band_svg"]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560.0, 132.0, 46.0, 8.0, 10.0, 22.0
_POINTS = 160


def _clock(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 3 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def band_svg(
    elapsed_seconds: Sequence[float],
    low: Sequence[float | None],
    high: Sequence[float | None],
    target: float | None,
) -> str:
    """The running interval of the saving as SVG text; empty while nothing is estimable.

    Args:
        elapsed_seconds: seconds from the start to the end of each interval.
        low: lower ends, fractions; ``None`` while not estimable.
        high: upper ends, likewise.
        target: saving that the plan asks for; ``None`` draws no line.
    """
    known = [
        (t, a, b)
        for t, a, b in zip(elapsed_seconds, low, high, strict=True)
        if a is not None and b is not None
    ]
    if not known:
        return ""
    shown = [known[i] for i in thin(len(known), limit=_POINTS)]
    _, last_low, last_high = shown[-1]
    marks = [last_low, last_high] + ([] if target is None else [target])
    # The first intervals are very wide: they may leave the picture, the last one may not.
    floor, ceiling = min(marks) - 0.12, max(marks) + 0.12
    span_x = elapsed_seconds[-1] or 1.0
    inner_w, inner_h = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(seconds: float) -> float:
        return _LEFT + inner_w * seconds / span_x

    def y(value: float) -> float:
        inside = min(max(value, floor), ceiling)
        return _TOP + inner_h * (ceiling - inside) / (ceiling - floor)

    upper = [f"{x(t):.1f},{y(b):.1f}" for t, _, b in shown]
    lower = [f"{x(t):.1f},{y(a):.1f}" for t, a, _ in shown]
    label = f"Projected saving now {100 * last_low:.1f} to {100 * last_high:.1f} percent"
    if target is not None:
        label += f", target {100 * target:g} percent"
    opening = (
        f'<svg class="phx-chart" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{escape(label)}"'
        f' style="max-width:{_WIDTH:g}px" font-size="11" fill="var(--phx-muted)">'
    )
    parts = [opening]
    left_right = f'x1="{_LEFT:g}" x2="{_WIDTH - _RIGHT:g}"'
    step = 0.1 if ceiling - floor <= 0.6 else 0.25
    tick = -(-floor // step) * step
    while tick <= ceiling:
        parts.append(
            f'<line {left_right} y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="var(--phx-grid)"/>'
            f'<text x="{_LEFT - 6:g}" y="{y(tick) + 4:.1f}" text-anchor="end">{100 * tick:.0f} %</text>'
        )
        tick += step
    parts.append(
        f'<polygon points="{" ".join(upper + lower[::-1])}" fill="var(--phx-candidate)" fill-opacity=".18"/>'
        f'<polyline points="{" ".join(upper)}" fill="none" stroke="var(--phx-candidate)" stroke-width="1.5"/>'
        f'<polyline points="{" ".join(lower)}" fill="none" stroke="var(--phx-candidate)" stroke-width="1.5"/>'
    )
    if target is not None:
        parts.append(
            f'<line {left_right} y1="{y(target):.1f}" y2="{y(target):.1f}"'
            f' stroke="var(--phx-target)" stroke-width="1.5" stroke-dasharray="5 4"/>'
            f'<text x="{_LEFT + 4:g}" y="{y(target) - 5:.1f}" fill="var(--phx-target)">'
            f"target {100 * target:g} %</text>"
        )
    parts.append(
        f'<text x="{_LEFT:g}" y="{_HEIGHT - 6:g}">0</text>'
        f'<text x="{_WIDTH - _RIGHT:g}" y="{_HEIGHT - 6:g}" text-anchor="end">{_clock(span_x)}</text></svg>'
    )
    return "".join(parts)
