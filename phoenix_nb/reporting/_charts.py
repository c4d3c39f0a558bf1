"""The pictures of a report: Vega-Lite specifications rendered to inline SVG without a network.

A chart is drawn with placeholder colours that become CSS custom properties, so one SVG fits light, dark and
print. The two kinds of numbers stay apart: :func:`saving_chart` shows the projection and nothing measured,
:func:`volume_chart` shows what was measured and nothing projected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["Chart", "saving_chart", "themed_svg", "thin", "time_axis", "volume_chart"]

WIDTH, HEIGHT = 912, 270
_MAX_POINTS = 480
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# placeholder -> (CSS custom property, colour where the page defines none)
_COLOURS = {
    "#000001": ("--phx-muted", "#5c6470"),
    "#000002": ("--phx-grid", "#e3e6ea"),
    "#000003": ("--phx-baseline", "#6b7480"),
    "#000004": ("--phx-candidate", "#0067b8"),
    "#000005": ("--phx-target", "#b45309"),
    "#000006": ("--phx-ink", "#1b1f24"),
}
MUTED, GRID, BASELINE, CANDIDATE, TARGET, INK = _COLOURS


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and what it says in words."""

    svg: str
    """Inline SVG with ``role="img"`` and an ``aria-label``; no URL, no script, no fixed colour."""
    text: str
    """The same in one or two sentences, for readers who cannot see it."""

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """SVG with its alternative text, and that text alone for plain displays."""
        del include, exclude
        return {"image/svg+xml": self.svg, "text/plain": self.text}, {"image/svg+xml": {"alt": self.text}}


def thin(length: int, limit: int = _MAX_POINTS) -> list[int]:
    """At most ``limit + 1`` positions of ``length``, evenly spread, with the first and the last one."""
    if length <= limit:
        return list(range(length))
    step = -(-length // limit)
    picked = list(range(0, length, step))
    return picked if picked[-1] == length - 1 else [*picked, length - 1]


def time_axis(elapsed_seconds: Sequence[float]) -> tuple[list[float], str]:
    """Elapsed seconds in the unit that suits their length, and its name."""
    last = elapsed_seconds[-1] if elapsed_seconds else 0.0
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if last >= 3 * size:
            return [value / size for value in elapsed_seconds], f"elapsed time, {unit}"
    return list(elapsed_seconds), "elapsed time, seconds"


def themed_svg(svg: str, label: str, *, css_class: str = "phx-chart") -> str:
    """Make a rendered SVG fit for the page: themed colours, scalable, labelled, without any URL."""
    for placeholder, (name, fallback) in _COLOURS.items():
        svg = svg.replace(f'"{placeholder}"', f'"var({name}, {fallback})"')
    svg = re.sub(r'\sfont-family="[^"]*"', "", svg)
    svg = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", svg)
    # The label says it all: the parts inside are hidden from assistive technology, so their role
    # descriptions go.
    svg = re.sub(r'\s(aria-roledescription|aria-label|aria-hidden|role)="[^"]*"', "", svg)
    size = re.match(r'<svg[^>]*?\swidth="([\d.]+)" height="([\d.]+)"', svg)
    svg = re.sub(r'(<svg[^>]*?)\swidth="[\d.]+" height="[\d.]+"', r"\1", svg, count=1)
    width = f' style="max-width:{float(size[1]):.0f}px"' if size else ""
    opening = f'<svg class="{css_class}" role="img" aria-label="{escape(label, quote=True)}"{width}'
    return re.sub(r'<svg( version="[^"]*")?( class="marks")?', opening, svg, count=1)


def _axis(title: str | None, **more: Any) -> dict[str, Any]:
    return {
        "title": title,
        "titleColor": MUTED,
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "titlePadding": 8,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "grid": False,
        **more,
    }


def _value_axis(title: str) -> dict[str, Any]:
    # The title lies above the axis and reads from left to right: nobody should have to turn their head.
    place = {"titleAlign": "left", "titleAnchor": "end", "titleAngle": 0, "titleX": 0, "titleY": -12}
    return _axis(title, grid=True, gridColor=GRID, tickCount=5, format=",~f", **place)


def _render(layers: list[dict[str, Any]], rows: list[dict[str, Any]], label: str, *, right: int = 2) -> Chart:
    import vl_convert

    spec = {
        "width": WIDTH,
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "right": right, "top": 14, "bottom": 2},
        "background": None,
        "data": {"values": rows},
        "layer": layers,
        "config": {"font": _FONT, "view": {"stroke": None}},
    }
    return Chart(themed_svg(vl_convert.vegalite_to_svg(spec), label), label)


def _plain(field: str) -> dict[str, str]:
    return {"field": field, "type": "quantitative"}


def _words(field: str) -> dict[str, str]:
    return {"field": field, "type": "nominal"}


def _x(title: str, last: float) -> dict[str, Any]:
    return {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [0, last or 1], "nice": False},
        "axis": _axis(title, tickCount=8),
    }


def saving_chart(
    elapsed_seconds: Sequence[float],
    low: Sequence[float | None],
    high: Sequence[float | None],
    target: float,
    *,
    alpha: float = 0.05,
) -> Chart | None:
    """The running projection interval of the saving, with the target.

    Args:
        elapsed_seconds: seconds from the start to the end of each interval.
        low: lower ends as fractions; ``None`` where the projection is not estimable yet.
        high: upper ends, likewise.
        target: the saving that the plan asks for, a fraction.
        alpha: error rate of the interval, for the words.

    Returns:
        The chart; ``None`` when no interval is defined anywhere, because an empty picture would look like an
        answer.
    """
    known = [i for i, (a, b) in enumerate(zip(low, high, strict=True)) if a is not None and b is not None]
    if not known:
        return None
    xs, title = time_axis(elapsed_seconds)
    rows = []
    for i in (known[k] for k in thin(len(known))):
        a, b = low[i], high[i]
        if a is not None and b is not None:
            rows.append({"x": xs[i], "low": 100 * a, "high": 100 * b})
    # The first intervals are very wide; past this range they are cut off so that the end stays readable.
    bottom = max(min(100 * target, *(row["low"] for row in rows)), min(100 * target, rows[-1]["low"]) - 25)
    top = min(max(100 * target, *(row["high"] for row in rows)), max(100 * target, rows[-1]["high"]) + 25)
    room = max(2.0, 0.12 * (top - bottom))
    y_scale = {"domain": [bottom - room, top + room], "nice": False, "zero": False, "clamp": True}
    y_axis = _value_axis("projected saving, %")
    y = {"field": "low", "type": "quantitative", "scale": y_scale, "axis": y_axis}
    end = rows[-1]
    text = (
        f"Running {100 * (1 - alpha):g} percent interval of the projected saving. "
        f"It ends at {end['low']:.1f} to {end['high']:.1f} percent; the target is {100 * target:g} percent."
    )
    line = {"type": "line", "color": CANDIDATE, "strokeWidth": 1.5, "interpolate": "step-after"}
    layers = [
        {
            "mark": {"type": "area", "color": CANDIDATE, "opacity": 0.16, "interpolate": "step-after"},
            "encoding": {"x": _x(title, xs[-1]), "y": y, "y2": {"field": "high"}},
        },
        {"mark": line, "encoding": {"x": _plain("x"), "y": _plain("low")}},
        {"mark": line, "encoding": {"x": _plain("x"), "y": _plain("high")}},
        {
            "data": {"values": [{"t": 100 * target}]},
            "mark": {"type": "rule", "color": TARGET, "strokeDash": [6, 4], "strokeWidth": 1.5},
            "encoding": {"y": _plain("t")},
        },
        {
            "data": {"values": [{"x": 0, "t": 100 * target, "s": f"target {100 * target:g} %"}]},
            "mark": {"type": "text", "color": TARGET, "align": "left", "dy": -8, "dx": 4, "fontSize": 12},
            "encoding": {"x": _plain("x"), "y": _plain("t"), "text": _words("s")},
        },
    ]
    return _render(layers, rows, text)


def volume_chart(
    elapsed_seconds: Sequence[float],
    baseline: Sequence[float | None],
    candidate: Sequence[float | None],
    *,
    what: str = "data points",
) -> Chart | None:
    """What both arms sent per interval. A missing value leaves a gap: it is never drawn as zero.

    Returns:
        The chart; ``None`` when neither arm has a value.
    """
    arms = {"baseline": baseline, "candidate": candidate}
    if not any(value is not None for values in arms.values() for value in values):
        return None
    xs, title = time_axis(elapsed_seconds)
    picked = thin(len(xs))
    rows = [{"x": xs[i], "arm": arm, "y": values[i]} for arm, values in arms.items() for i in picked]
    label_rows = []
    words = []
    for arm, values in arms.items():
        known = [value for value in values if value is not None]
        if known:
            middle = sorted(known)[len(known) // 2]
            tail = known[-max(1, len(known) // 20) :]
            words.append(f"{arm} median {middle:,.0f}")
            label_rows.append(
                {
                    "x": xs[max(i for i, v in enumerate(values) if v is not None)],
                    "arm": arm,
                    "y": sum(tail) / len(tail),
                    "s": arm,
                }
            )
        else:
            words.append(f"{arm} sent nothing that was counted")
    text = f"{what.capitalize()} per interval: {'; '.join(words)}."
    colour = {
        "field": "arm",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(arms), "range": [BASELINE, CANDIDATE]},
    }
    y_axis = _value_axis(f"{what} per interval")
    layers = [
        {
            "mark": {"type": "line", "strokeWidth": 1.5, "invalid": "break-paths-show-path-domains"},
            "encoding": {
                "x": _x(title, xs[-1]),
                "y": {
                    "field": "y",
                    "type": "quantitative",
                    "scale": {"zero": True, "nice": True},
                    "axis": y_axis,
                },
                "color": colour,
            },
        },
        {
            "data": {"values": label_rows},
            "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "fontWeight": 600},
            "encoding": {
                "x": _plain("x"),
                "y": _plain("y"),
                "text": _words("s"),
                "color": colour,
            },
        },
    ]
    # Room for the names of the arms behind the ends of their lines.
    return _render(layers, rows, text, right=80)
