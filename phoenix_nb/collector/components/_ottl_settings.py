"""Settings that hold OTTL: error modes, contexts, and lists of texts or of groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from phoenix_nb.collector.config import (
    Custom,
    DecodeError,
    Items,
    Node,
    Refused,
    Settings,
    Struct,
    Word,
    nested,
    plain,
)
from phoenix_nb.collector.ottl import OttlError

__all__ = ["ERROR_MODE", "OttlSettings", "all_compiled", "context_word", "texts_or_groups"]

_T = TypeVar("_T")
_MODES: Final = ("ignore", "propagate", "silent")
_MIXED: Final = (
    "configuring multiple configuration styles is not supported, please use only Basic configuration "
    "or only Advanced configuration"
)


def _mode(text: str) -> str:
    if text.lower() not in _MODES:
        raise ValueError(f"unknown error mode {text.lower()}")
    return text.lower()


ERROR_MODE: Final = Word("ottl.ErrorMode", _mode)
"""What a failing condition or statement does."""


def context_word(go_type: str, names: Sequence[str]) -> Word:
    """The name of a context.

    Args:
        go_type: what messages call it.
        names: the names that may be given, in small letters.
    """

    def context(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"unknown context {text.lower()}")
        return text.lower()

    return Word(go_type, context)


def texts_or_groups(
    group: type[Settings],
    of_texts: Callable[[tuple[str, ...]], Settings],
    *,
    where: str = "",
    empty: str = "",
) -> Custom:
    """A list of texts, which are one group, or a list of groups; never both.

    Args:
        group: the settings of a group.
        of_texts: the group that texts are.
        where: what stands before the message about a mixture.
        empty: the message about an entry that is empty, with ``{}`` for the key; without one it is a group.
    """
    groups = Items(Struct(group))

    def decode(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        value = plain(node)
        if value is None:
            return default
        if isinstance(value, list) and value:
            if empty and any(entry is None for entry in value):
                raise Refused(DecodeError(path, empty.format(path[-1]), bare=True))
            texts = [isinstance(entry, str) for entry in value]
            if all(texts):
                return (of_texts(tuple(map(str, value))),)
            if any(texts):
                raise Refused(DecodeError(path, where + _MIXED, bare=True))
        return groups.decode(path, name, node, default)

    return Custom(decode)


class OttlSettings(Settings):
    """Settings that read themselves in the collector: their errors are wrapped once more."""

    def unmarshal(self, path: tuple[str, ...], name: str, node: dict[str, Node]) -> Settings:
        """The settings of a map."""
        try:
            return super().unmarshal(path, name, node)
        except Refused as exc:
            if exc.errors[0].bare:
                raise
            raise nested(exc.errors) from exc


def all_compiled(texts: Iterable[str], compile_one: Callable[[str], _T]) -> list[tuple[str, _T]]:
    """Every text with what it compiles to.

    Raises:
        OttlError: texts that do not compile; a line for each.
    """
    made: list[tuple[str, _T]] = []
    errors: list[str] = []
    for text in texts:
        try:
            made.append((text, compile_one(text)))
        except OttlError as exc:
            errors.append(str(exc))
    if errors:
        raise OttlError("\n".join(errors))
    return made
