"""Runs the benches that are named, or all, and writes ``bench/README.md``."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from pathlib import Path

from bench._measure import Row, machine_facts

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
"""Rows of every bench as last run; a run of some benches keeps the rows of the others."""

HEAD = """\
# Benches

`make bench` runs them all and rewrites this page; `python -m bench bus store` runs some and keeps the other rows.
Ours and the peer are measured in turns in one run, after a turn that does not count. Figures are medians; the ratio is
the median over the pairs, and ± is half the range of what it was, empty where a single pair was measured. Trust the
ratios: absolute figures depend on the machine and on what else it does.

| bench | what | ours | peer | ratio | ± | goal | met? |
|---|---|---|---|---|---|---|---|
"""


def names() -> list[str]:
    """The benches: modules of this package that are not private, each with ``run(repeats) -> list[Row]``."""
    return sorted(one.name for one in pkgutil.iter_modules([str(FOLDER)]) if not one.name.startswith("_"))


def figure(value: float, unit: str) -> str:
    """A figure with three digits and its unit."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size and unit.endswith("/s"):
            return f"{value / size:.3g}{letter} {unit}"
    return f"{value:.3g} {unit}"


def line(bench: str, row: Row) -> str:
    """One line of the table."""
    peer = "" if row.peer is None else f"{figure(row.peer, row.unit)} ({row.peer_name})"
    cells = (
        bench,
        row.what,
        figure(row.ours, row.unit),
        peer,
        "" if row.ratio is None else f"{row.ratio:.2f}",
        f"{row.spread:.0%}" if row.spread else "",
        row.goal,
        {True: "yes", False: "**no**", None: ""}[row.met],
    )
    return f"| {' | '.join(cells)} |\n"


def page(results: dict[str, dict[str, object]]) -> str:
    """The whole README."""
    text, facts = HEAD, ""
    for bench, result in sorted(results.items()):
        rows = result["rows"]
        assert isinstance(rows, list)
        text += "".join(line(bench, Row(**row)) for row in rows)
        described = result["facts"]
        assert isinstance(described, dict)
        module = importlib.import_module(f"bench.{bench}")
        facts += f"- **{bench}**: {(module.__doc__ or '').strip().splitlines()[0]}"
        facts += f" ({', '.join(f'{key} {value}' for key, value in described.items())})\n"
    return f"{text}\n{facts}"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("bench", nargs="*", help=f"which: {', '.join(names())}; all when none is given")
    parser.add_argument("--repeats", type=int, default=7, help="pairs per row")
    parser.add_argument("--no-write", action="store_true", help="only print")
    given = parser.parse_args()
    unknown = [name for name in given.bench if name not in names()]
    if unknown:
        parser.error(f"there is no bench {unknown[0]!r}; there are {', '.join(names())}")
    results: dict[str, dict[str, object]] = {}
    if RESULTS.exists():
        kept = json.loads(RESULTS.read_text(encoding="utf-8"))
        results = {name: result for name, result in kept.items() if name in names()}
    for name in given.bench or names():
        facts = machine_facts()
        rows = importlib.import_module(f"bench.{name}").run(given.repeats)
        results[name] = {"facts": facts, "rows": [asdict(row) for row in rows]}
        for row in rows:
            sys.stdout.write(line(name, row))
            sys.stdout.flush()
        if not given.no_write:
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            (FOLDER / "README.md").write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
