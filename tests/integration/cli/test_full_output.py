"""Standard output on a full disk is an error like any other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("words", [("pipeline", "list"), ("pipeline", "list", "--json")])
def test_a_full_disk_behind_standard_output(tmp_path: Path, words: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        ended = subprocess.run(
            [
                sys.executable,
                "-c",
                "from phoenix_nb.cli import main; main()",
                "--workspace",
                ":memory:",
                *words,
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the output cannot be written: No space left on device")
    assert "\nhint: " in ended.stderr
    assert "Traceback" not in ended.stderr
