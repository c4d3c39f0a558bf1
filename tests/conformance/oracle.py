"""The real processors in a process of their own: what a chain makes of payloads, and whether it is accepted at all."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NotEndedError", "RefusalError", "chainrun_path", "run_chain"]


class RefusalError(Exception):
    """The chain was not accepted; the message is the collector's."""


class NotEndedError(Exception):
    """The chain did not end: what it writes into itself grew without bounds."""


_PATIENCE = 15.0
"""Seconds; a pair takes a few hundredths."""


def chainrun_path() -> Path:
    """Where the program is; skips when it is missing, and fails instead where everything must be there."""
    given = os.environ.get("PHOENIX_CHAINRUN")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = Path(given) if given else cache / "phoenix" / "otelcol-0.159.0" / "chainrun"
    if path.is_file():
        return path
    message = f"the real processors are missing: no chainrun at {path}"
    if os.environ.get("PHOENIX_REQUIRE_SERVERS") == "1":
        pytest.fail(message)
    pytest.skip(message)


def run_chain(program: Path, config: Path, inputs: Path, output: Path) -> list[Any]:
    """What each payload became: a list of payloads, or a map with an error.

    Raises:
        RefusalError: the configuration was not accepted.
        NotEndedError: it did not end in time.
    """
    try:
        found = subprocess.run(
            [str(program), "-config", str(config), "-input", str(inputs), "-output", str(output)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise NotEndedError(f"the chain did not end within {_PATIENCE} s") from exc
    if found.returncode:
        raise RefusalError(found.stderr.strip())
    # A cut inside of a letter leaves bytes that are not UTF-8; here they become the replacement character.
    return [json.loads(line) for line in output.read_text(encoding="utf-8", errors="replace").splitlines()]
