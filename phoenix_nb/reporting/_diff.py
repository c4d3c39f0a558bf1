"""What differs between two configurations: changed lines only, each group under the keys that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

__all__ = ["changed_lines"]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _path(lines: Sequence[str], at: int) -> str:
    """The YAML keys above line ``at``, outermost first."""
    keys: list[str] = []
    # Past the end there is no line to take the indentation from: the group was added or removed at the
    # very end.
    level = _indent(lines[at]) if at < len(lines) else 0
    for line in reversed(lines[:at]):
        bare = line.strip()
        if not bare or bare.startswith("#") or _indent(line) >= level:
            continue
        level = _indent(line)
        if ":" in bare:
            keys.insert(0, bare.removeprefix("- ").split(":", 1)[0])
        if level == 0:
            break
    return " › ".join(keys)


def changed_lines(baseline: str, candidate: str) -> list[tuple[str, str]]:
    """The changed lines of two texts.

    Returns:
        Pairs of kind and text: ``hunk`` says where a group is, ``del`` is a line of the baseline only,
        ``add`` one of the candidate only. Trailing blanks do not count. Empty when the texts say the same.
    """
    old = [line.rstrip() for line in baseline.strip("\n").splitlines()]
    new = [line.rstrip() for line in candidate.strip("\n").splitlines()]
    found: list[tuple[str, str]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        where = _path(new, j1) if j2 > j1 else _path(old, i1)
        number = f"line {j1 + 1}" if j2 > j1 else f"line {i1 + 1} of the baseline"
        found.append(("hunk", f"{where}  ({number})" if where else number))
        found += [("del", f"- {line}") for line in old[i1:i2]]
        found += [("add", f"+ {line}") for line in new[j1:j2]]
    return found
