"""Secrets in command lines: found by their shape and replaced before anything is written or shown."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from phoenix_nb.otlp._attributes import Attributes, AttributeValue
from phoenix_nb.otlp._frames import Frames
from phoenix_nb.otlp._model import Resource

__all__ = ["REDACTED", "redact_command_line", "redact_frames"]

REDACTED: Final = "***"
"""What stands in the place of a secret."""

_WORD: Final = r"(?:password|passwd|passphrase|token|secret|key|credential)"
_VALUE: Final = r"""(?:"[^"]*"|'[^']*'|[^\s"']+)"""
# Names are looked at once, from their begin, and never given back: a command line may be one long word.
_SECRETIVE: Final = rf"(?=[\w.\-]*?{_WORD})[\w.\-]++"
_ASSIGNED: Final = re.compile(rf"(?<![\w.\-])({_SECRETIVE})(=|:\s*+){_VALUE}", re.IGNORECASE)
_OPTION: Final = re.compile(rf"((?:^|\s)-{_SECRETIVE}\s++)(?!-){_VALUE}", re.IGNORECASE)
_LONE_OPTION: Final = re.compile(rf"-{_SECRETIVE}\Z", re.IGNORECASE)
_URL: Final = re.compile(r"((?<=[a-z0-9+.\-])://[^\s:/@]*):[^\s/@]+@", re.IGNORECASE)
_BEARER: Final = re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=\-]{6,}", re.IGNORECASE)
_KEYS: Final = ("process.command_line", "process.command_args", "process.command")


def redact_command_line(text: str) -> str:
    """``text`` with everything that looks like a secret replaced by ``***``.

    A secret is the value of ``name=value``, ``name: value`` or ``--name value`` where the name contains
    password, passwd, passphrase, token, secret, key or credential; the password of a URL; a bearer or basic
    authorisation.

    >>> redact_command_line("psql postgres://app:hunter2@db/shop --api-key abc")
    'psql postgres://app:***@db/shop --api-key ***'
    """
    text = _URL.sub(rf"\1:{REDACTED}@", text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    text = _ASSIGNED.sub(rf"\1\2{REDACTED}", text)
    return _OPTION.sub(rf"\1{REDACTED}", text)


def _arguments(values: tuple[AttributeValue, ...]) -> tuple[AttributeValue, ...]:
    """Command arguments one by one; an option hides the argument after it."""
    made: list[AttributeValue] = []
    hide = False
    for value in values:
        if not isinstance(value, str):
            made.append(value)
            continue
        made.append(REDACTED if hide and not value.startswith("-") else redact_command_line(value))
        hide = _LONE_OPTION.match(value) is not None
    return tuple(made)


def _redact(attributes: Attributes) -> Attributes:
    for key in _KEYS:
        value = attributes.get(key)
        if isinstance(value, str):
            safe: AttributeValue = redact_command_line(value)
        elif isinstance(value, tuple):
            safe = _arguments(value)
        else:
            continue
        if safe != value:
            attributes = attributes.with_item(key, safe)
    return attributes


def redact_frames(frames: Frames) -> Frames:
    """The same payloads with secrets in command lines replaced, on resources and on points."""
    known = frames.dictionaries
    changed: dict[str, Any] = {}
    resources: dict[int, int] = {}
    for number in np.unique(frames.rm_resource[frames.rm_resource >= 0]).tolist():
        before = known.resources[number]
        after = _redact(before.attributes)
        if after is not before.attributes:
            resources[number] = known.resources.intern(
                Resource(after, before.dropped_attributes_count, before.entity_refs)
            )
    if resources:
        changed["rm_resource"] = _renumbered(frames.rm_resource, resources)
    sets: dict[int, int] = {}
    for number in np.unique(frames.p_attributes).tolist():
        after = _redact(known.attribute_sets[number])
        if after is not known.attribute_sets[number]:
            sets[number] = known.attribute_sets.intern(after)
    if sets:
        changed["p_attributes"] = _renumbered(frames.p_attributes, sets)
    return frames.replace(**changed) if changed else frames


def _renumbered(ids: np.ndarray[tuple[int], np.dtype[np.int32]], table: dict[int, int]) -> object:
    distinct, inverse = np.unique(ids, return_inverse=True)
    return np.array([table.get(number, number) for number in distinct.tolist()], dtype=np.int32)[inverse]
