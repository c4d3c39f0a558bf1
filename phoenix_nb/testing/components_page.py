"""``docs/components.md``: each component and OTTL function with its support on each engine, from the code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from phoenix_nb.lab._collector_components import Support, component_support, function_support, real_only
from phoenix_nb.otelcol import BUILT_VERSION

__all__ = ["components_page"]

_SIGNS = {Support.RUNS: "runs", Support.CHECKED: "checked", Support.REFUSED: "refused", Support.ABSENT: "–"}

_INTRODUCTION = """\
This page is generated from the code by `make generate`; `phoenix collector components` prints the same, with the real
collector that it finds.

*embedded* is the built-in engine, *otelcol* the real collector {release} that `phoenix collector install` builds.
**runs**: payloads go through it, with the collector's result. **checked**: settings are checked as the collector does;
payloads are given and taken at that place. **refused**: a configuration that uses it is refused with the reason, and
`engine: otelcol` is suggested. **–**: it is not in that build. In *embedded*, `Now` is when the payload arrived, so
that a replay gives the same again."""
_ELSEWHERE = """\
The built-in engine knows that these exist and refuses a metrics pipeline that uses one of them. A distribution that has
them runs them: name it in `PHOENIX_COLLECTOR_BINARY` and use `--engine otelcol`."""


def components_page() -> str:
    """The page."""
    parts = [
        "# What each engine runs",
        "",
        *_INTRODUCTION.format(release=BUILT_VERSION).splitlines(),
        "",
        "## Components",
        "",
        *_table(
            ("section", "type", "also written", "embedded", "otelcol"),
            (
                (
                    f"{row.kind}s",
                    f"`{row.name}`",
                    ", ".join(f"`{name}`" for name in row.aliases),
                    _SIGNS[row.embedded],
                    _SIGNS[row.otelcol],
                )
                for row in component_support()
            ),
        ),
        "",
        "## OTTL functions",
        "",
        *_table(
            ("function", "kind", "where", "embedded", "otelcol", "since", "why it is refused"),
            (
                (
                    f"`{row.name}`",
                    row.kind,
                    row.where,
                    _SIGNS[row.embedded],
                    _SIGNS[row.otelcol],
                    row.since,
                    row.reason,
                )
                for row in function_support()
            ),
        ),
        "",
        "## Known, for the real collector only",
        "",
        *_ELSEWHERE.splitlines(),
        "",
    ]
    for section, names in real_only().items():
        if names:
            parts += [f"**{section}**: {', '.join(f'`{name}`' for name in names)}", ""]
    return "\n".join(parts)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(row)} |" for row in rows)]
