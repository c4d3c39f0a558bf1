"""``phoenix doctor``: what works here and what is missing."""

from __future__ import annotations

import typer

from phoenix_nb.cli._errors import EXIT_OK, EXIT_REFUSED
from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import print_json, say
from phoenix_nb.cli._state import OPTIONS

__all__ = ["register"]

_SIGNS = {"ok": "✓", "warning": "!", "broken": "✕"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(as_json: JsonFlag = False) -> int:
    """Say what works on this machine and what is missing; exit 1 when something that is needed is broken."""
    from phoenix_nb.lab import FindingState, check_installation

    findings = check_installation(OPTIONS.workspace)
    broken = sum(finding.state is FindingState.BROKEN for finding in findings)
    if as_json:
        print_json({"ok": not broken, "findings": [finding.model_dump(mode="json") for finding in findings]})
    else:
        width = max(len(finding.part) for finding in findings)
        for finding in findings:
            say(f"{_SIGNS[finding.state.value]} {finding.part:<{width}}  {finding.text}")
            if finding.hint:
                say(f"  {'':<{width}}  → {finding.hint}")
        say("Everything works." if not broken else f"{broken} of {len(findings)} parts do not work.")
    return EXIT_REFUSED if broken else EXIT_OK
