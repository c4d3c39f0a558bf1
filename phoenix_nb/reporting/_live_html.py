"""What panels and notebook cells show of a run: as HTML and, in words, as text. Nothing is computed here."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from phoenix_nb.reporting import formats
from phoenix_nb.reporting._band import band_svg
from phoenix_nb.reporting._live import RunView, SimulationView
from phoenix_nb.reporting._page import html_environment
from phoenix_nb.reporting._words import verdict_sign

__all__ = ["message_html", "run_html", "run_text", "simulation_html", "simulation_text", "status_html"]


@cache
def _macros() -> Any:
    return html_environment(Path(__file__).resolve().parent / "page").get_template("live.html.j2").module


def message_html(error: str, hint: str) -> str:
    """What went wrong and what to do; empty when nothing did."""
    return str(_macros().message(error, hint)).strip()


def status_html(text: str) -> str:
    """The one line that assistive technology reads when it changes."""
    return str(_macros().status(text)).strip()


def run_html(run: RunView | None) -> str:
    """The live part of the experiment panel; empty without a run."""
    if run is None:
        return ""
    band = band_svg(run.elapsed_seconds, run.low, run.high, run.target)
    return str(_macros().run(run, band, blockers(run))).strip()


def blockers(run: RunView) -> list[str]:
    """What keeps the candidate from being promoted, as far as the verdict's sentence has not said it."""
    if run.verdict is None:
        return []
    said = run.verdict.reason.casefold()
    return [
        row.text
        for row in run.verdict.conditions
        if row.blocks and row.text.rstrip(".").casefold() not in said
    ]


def simulation_html(run: SimulationView | None) -> str:
    """The live part of the simulation panel; empty without a simulation."""
    if run is None:
        return ""
    counts = (
        ("processes alive", run.processes),
        ("processes started", run.started),
        ("processes ended", run.ended),
        ("scrapes", run.scrapes),
        ("data points", run.points),
        ("distinct series", run.series),
    )
    return str(_macros().simulation(run, counts)).strip()


def run_text(run: RunView | None, busy: str) -> str:
    """The status line of a comparison, without ids or times."""
    if run is None:
        return f"{busy} …" if busy else "No run yet. Fill in the form and press Start."
    done = f"{run.intervals:,} of {run.planned:,}" if run.planned else f"{run.intervals:,}"
    text = f"{run.state}, {done} intervals"
    if run.verdict is not None:
        text += f", {verdict_sign(run.verdict.state, live=not run.terminal).word.lower()}"
    return f"{text} ({busy} …)" if busy else text


def simulation_text(run: SimulationView | None, busy: str) -> str:
    """The status line of a simulation, without ids or times."""
    if run is None:
        return f"{busy} …" if busy else "No simulation yet. Choose a profile and press Start."
    text = f"{run.state}, {formats.duration(run.elapsed_seconds)} simulated"
    if run.duration_seconds is not None:
        text += f" of {formats.duration(run.duration_seconds)}"
    return f"{text} ({busy} …)" if busy else text
