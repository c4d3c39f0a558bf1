"""``phoenix demo``: the tour, live and simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix_nb.cli._compare import finished
from phoenix_nb.cli._options import Seconds
from phoenix_nb.cli._output import say
from phoenix_nb.cli._session import opened
from phoenix_nb.cli._state import OPTIONS
from phoenix_nb.cli._verdict import show_comparison

__all__ = ["register"]

_BASELINE = "process-baseline-v1"
_CANDIDATE = "process-priority-v1"
_PROFILE = "sim:high_churn"
_SIMULATED_CRITICAL = ("systemd", "sshd", "postgres*", "ci-runner")
_SIMULATED_PERIOD = 30.0
_SEED = 7


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where reports and experiments go.", file_okay=False)
    ] = Path("demo-out"),
    live: Annotated[float, Seconds("--live", "How long this machine is watched.", shown="60s")] = 60.0,
    simulated: Annotated[
        float, Seconds("--simulated", "Virtual time of the simulated host.", shown="2h")
    ] = 7200.0,
) -> None:
    """Compare two pipelines over this machine's processes, then over a simulated host; write both reports."""
    from phoenix_nb.lab import require_folder, running_services
    from phoenix_nb.runtime import format_duration

    require_folder(out)
    if OPTIONS.workspace is None:
        # The tour leaves nothing outside its own folder.
        OPTIONS.workspace = str(out)
    with opened() as lab:
        critical = running_services(_CANDIDATE)
        named = f"critical: {', '.join(critical)}" if critical else "no well-known service runs here"
        say(f"1. This machine, live for {format_duration(live)}, a scrape every second; {named}")
        say(f"   {_BASELINE} against {_CANDIDATE}\n")
        run = finished(
            lab.compare(
                _BASELINE,
                _CANDIDATE,
                source="host",
                every=1.0,
                duration=live,
                critical=critical,
                name="demo: this machine, live",
            )
        )
        show_comparison(run.experiment, run.results, run.report(out.absolute() / "live"))
        say()
        say(
            f"2. A simulated host, {format_duration(simulated)} at full speed, a scrape every "
            f"{format_duration(_SIMULATED_PERIOD)}, seed {_SEED}; "
            f"critical: {', '.join(_SIMULATED_CRITICAL)}"
        )
        say(f"   {_BASELINE} against {_CANDIDATE}\n")
        run = finished(
            lab.compare(
                _BASELINE,
                _CANDIDATE,
                source=_PROFILE,
                every=_SIMULATED_PERIOD,
                duration=simulated,
                seed=_SEED,
                critical=_SIMULATED_CRITICAL,
                name="demo: a simulated host",
            )
        )
        show_comparison(run.experiment, run.results, run.report(out.absolute() / "simulated"))
    say()
    say(
        f"Both reports open in any browser, with the network off. Look again: phoenix --workspace {out} experiment list"
    )
