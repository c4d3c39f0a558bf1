"""The types of the contracts: what must check does, what must not is found, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_FOLDER = _ROOT / "tests" / "typing"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mypy_finds_exactly_the_marked_mistakes(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    monkeypatch.chdir(_ROOT)
    cache = tmp_path_factory.mktemp("mypy-cache")
    good, bad = _FOLDER / "must_check.py", _FOLDER / "must_not_check.py"
    out, err, _ = api.run(
        ["--cache-dir", str(cache), "--no-error-summary", "--hide-error-context", str(good), str(bad)]
    )
    assert not err
    found: dict[tuple[str, int], set[str]] = {}
    for line in out.splitlines():
        match = re.match(r"(.+?):(\d+): error: .*\[([a-z-]+)\]$", line)
        if match:
            found.setdefault((Path(match[1]).name, int(match[2])), set()).add(match[3])
    marked = {
        (bad.name, number): set(mark[1].split())
        for number, text in enumerate(bad.read_text(encoding="utf-8").splitlines(), start=1)
        if (mark := re.search(r"# E: (.+)$", text))
    }
    unexpected = {where: codes for where, codes in found.items() if where not in marked}
    assert not unexpected, out
    missed = {where: codes for where, codes in marked.items() if not found.get(where, set()) & codes}
    assert not missed, f"mypy let these pass: {missed}\n{out}"
