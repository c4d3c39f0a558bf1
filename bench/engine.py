"""The embedded engine against the collector's own processors in one process, same payloads, CPU per million points."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench._chains import CHAINS
from bench._engines import Embedded, Payloads, RealProcessors, simulated
from bench._measure import Row, compare
from bench._replays import candidates, live, peak_memory, recordings


def _chain(payloads: Payloads, processes: int, name: str, repeats: int) -> Iterator[Row]:
    """Every phase of one chain, from the same runs."""
    text = CHAINS[name].config
    ours, theirs = Embedded(payloads, text), RealProcessors(payloads, text)
    row = partial(compare, peer_name="the real processors", unit="CPU s per million points", repeats=repeats)
    what = f"{name}, {payloads.label}"
    for label, phase, most in (
        ("evaluate", "chain", CHAINS[name].goal(processes)),
        ("decode", "decode", None),
        ("encode", "encode", None),
    ):
        yield row(f"{what}: {label}", partial(ours.phase, phase), partial(theirs.phase, phase), most=most)
    yield row(
        f"{what}: decode, evaluate, count against decode, chain, encode",
        partial(ours.phase, "count"),
        partial(theirs.phase, "all"),
        most=1.0,
    )


def run(repeats: int) -> list[Row]:
    """The rows."""
    repeats = min(repeats, 3)
    found: list[Row] = []
    for processes, count in ((200, 60), (5000, 4)):
        payloads = simulated(processes, count)
        for name in CHAINS:
            found.extend(_chain(payloads, processes, name, repeats))
    found.append(candidates(simulated(200, 60), repeats))
    found.extend(live(repeats))
    found.append(peak_memory())
    found.extend(recordings(repeats))
    return found
