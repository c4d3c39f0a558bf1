"""Critical selectors: which processes must stay visible."""

from __future__ import annotations

import fnmatch
import re as _stdlib_re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import re2

from phoenix_nb.errors import PlanError
from phoenix_nb.otlp import Attributes, AttributeValue

__all__ = ["CriticalSelector", "parse_selector", "parse_selectors"]

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("process.executable.name",),
    "path": ("process.executable.path",),
    "command": ("process.command",),
    "command_line": ("process.command_line", "process.command_args"),
    "owner": ("process.owner",),
    "cgroup": ("process.cgroup",),
}
"""Per kind the resource attributes that hold the text, first present wins."""

_REGEX: Final = "re:"


@dataclass(frozen=True, slots=True)
class CriticalSelector:
    """One way to name critical processes.

    ``postgres*`` is a glob over the whole ``process.executable.name``, case-sensitive. A prefix picks another
    text: ``name:``, ``path:``, ``command:``, ``command_line:``, ``owner:``, ``cgroup:``. ``re:`` after it
    makes the pattern a regular expression (RE2, found anywhere in the text): ``re:^java$``,
    ``path:re:^/opt/shop/``.

    Example:
        >>> editor = Attributes.of({"process.executable.path": "/usr/bin/vi"})
        >>> parse_selector("path:/usr/bin/*").matches(editor)
        True
    """

    text: str
    """As the user wrote it."""
    kind: str
    """Which text it looks at: name, path, command, command_line, owner or cgroup."""
    pattern: str
    """The glob or the regular expression, without prefixes."""
    regex: bool
    """Whether the pattern is a regular expression."""
    _test: Callable[[str], bool]

    def matches(self, attributes: Attributes, point: Attributes | None = None) -> bool:
        """Whether a process with these resource (and point) attributes is meant; the resource goes first."""
        text = self.value(attributes)
        if text is None and point is not None:
            text = self.value(point)
        return text is not None and self._test(text)

    def value(self, attributes: Attributes) -> str | None:
        """The text that the pattern is applied to; ``None`` when the process does not carry it."""
        for key in _KEYS[self.kind]:
            text = _text(attributes.get(key))
            if text is not None:
                return text
        return None

    def __str__(self) -> str:
        return self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CriticalSelector) and other.text == self.text


def _text(value: AttributeValue) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return " ".join(part for part in value if isinstance(part, str))
    return None


def parse_selector(text: str) -> CriticalSelector:
    """Read one selector.

    Raises:
        PlanError: it is empty, or its regular expression cannot be compiled.
    """
    kind, _, rest = text.partition(":")
    if kind not in _KEYS:
        kind, rest = "name", text
    regex = rest.startswith(_REGEX)
    pattern = rest.removeprefix(_REGEX) if regex else rest
    if not pattern.strip():
        raise PlanError(
            f"the critical selector {text!r} is empty",
            hint="write for example postgres*, path:/usr/bin/* or re:^java$",
            details={"selector": text},
        )
    return CriticalSelector(
        text=text, kind=kind, pattern=pattern, regex=regex, _test=_tester(text, pattern, regex=regex)
    )


def _tester(text: str, pattern: str, *, regex: bool) -> Callable[[str], bool]:
    if not regex:
        whole = _stdlib_re.compile(fnmatch.translate(pattern)).match
        return lambda value: whole(value) is not None
    try:
        options = re2.Options()
        options.log_errors = False
        found = re2.compile(pattern, options).search
    except re2.error as exc:
        raise PlanError(
            f"the critical selector {text!r} is not a regular expression: {exc}",
            hint="the syntax is RE2, as in the collector",
            details={"selector": text},
        ) from exc
    return lambda value: found(value) is not None


def parse_selectors(texts: Iterable[str]) -> tuple[CriticalSelector, ...]:
    """Read several selectors; the same text twice counts once."""
    return tuple(parse_selector(text) for text in dict.fromkeys(text.strip() for text in texts))
