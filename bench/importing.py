"""``import phoenix_nb`` in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from bench._measure import Row, compare

_SCRIPT = """
import time
clock = time.{clock}
begin = clock()
import {module}
print(clock() - begin)
"""


def _seconds(module: str, clock: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(module=module, clock=clock)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def run(repeats: int) -> list[Row]:
    """The rows."""
    row = partial(compare, peer_name="pydantic alone", unit="s", repeats=repeats)
    return [
        row(
            f"import phoenix_nb, {label}",
            partial(_seconds, "phoenix_nb", clock),
            partial(_seconds, "pydantic.main", clock),
            limit=0.3,
        )
        for label, clock in (("CPU time", "process_time"), ("wall time", "perf_counter"))
    ]
