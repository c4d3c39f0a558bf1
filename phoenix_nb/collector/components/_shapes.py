"""Schemas from ``settings.json``: the keys and types that release 0.159.0 accepts."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from phoenix_nb.collector.config import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    TELEMETRY_LEVEL,
    TEXT,
    Custom,
    DecodeError,
    Entries,
    Expanded,
    Items,
    Node,
    Number,
    Optional,
    Refused,
    Schema,
    Word,
    joined,
    plain,
    quote,
    type_name,
)

__all__ = ["Shape", "shape_of"]


@functools.cache
def _shapes() -> dict[str, Any]:
    text = importlib.resources.files(__package__).joinpath("settings.json").read_text(encoding="utf-8")
    shapes: dict[str, Any] = json.loads(text)
    return shapes


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema that ``settings.json`` describes."""

    shape: Mapping[str, Any]

    def decode(self, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
        kind = self.shape["k"]
        if kind in _SIMPLE:
            return _SIMPLE[kind].decode(path, name, node, default)
        if kind == "number":
            number = Number(self.shape["n"], self.shape["low"], self.shape["high"])
            return number.decode(path, name, node, default)
        inner = Shape(self.shape["v"]) if "v" in self.shape else None
        if kind == "opt" and inner is not None and _of_its_own(inner.shape):
            return _part(inner, path, name, node, default)
        if kind == "opt" and inner is not None:
            return Optional(inner).decode(path, name, node, default)
        if kind == "map" and inner is not None:
            return Entries(inner).decode(path, name, node, {} if default is None else default)
        if kind == "list" and inner is not None:
            texts = inner.shape["k"] == "string"
            return Items(TEXT if texts else inner).decode(path, name, node, default)
        return self._struct(path, name, node)

    def _struct(self, path: tuple[str, ...], name: str, node: Node) -> Any:
        node = node.value if isinstance(node, Expanded) else node
        if node is None:
            return {}
        if not isinstance(node, dict):
            kind = type_name(node).partition("[")[0] or "slice"
            raise Refused(DecodeError(path, f"'{name}' expected a map or struct, got {quote(kind)}"))
        fields: Mapping[str, Any] = self.shape["f"]
        made: dict[str, Any] = {}
        errors: list[DecodeError] = []
        for key, value in node.items():
            if key not in fields:
                continue
            try:
                made[key] = Shape(fields[key]).decode(
                    (*path, key), f"{name}.{key}" if name else key, value, None
                )
            except Refused as exc:
                errors.extend(exc.errors)
        unknown = sorted(set(node) - set(fields))
        if unknown:
            where = name or self.shape["n"]
            at = (*path, unknown[0]) if len(unknown) == 1 else path
            errors.append(
                DecodeError(at, f"'{where}' has invalid keys: {', '.join(unknown)}", unknown_key=True)
            )
        if errors:
            raise Refused(*errors)
        return made


def _part(shape: Shape, path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
    """A part that is decoded by itself, so that its errors stand in one for the part."""
    value = plain(node)
    if value is None:
        return default
    try:
        return shape.decode(path, "", node, {})
    except Refused as exc:
        body = exc.errors[0].text
        if isinstance(value, dict):
            body = joined(exc.errors)
            if shape.shape["n"] == "queuebatch.Config":
                body = joined([DecodeError(path, f"'' {body}")])
        raise Refused(replace(exc.errors[-1], text=f"'{name}' {body}")) from exc


def _of_its_own(shape: Mapping[str, Any]) -> bool:
    """Whether the collector decodes an optional part by itself; those are the ones that it can switch off."""
    return shape["k"] == "struct" and "enabled" in shape["f"] and shape["n"] not in _PLAIN_PARTS


_PLAIN_PARTS: Final = ("fileexporter.GroupBy", "httpserver.CheckCollectorPipelineConfig")
"""Parts that have a switch among their own settings."""


def _compression(text: str) -> str:
    known = ("gzip", "zlib", "deflate", "snappy", "x-snappy-framed", "zstd", "lz4", "none", "")
    if text not in known:
        raise ValueError(f"unsupported compression type {quote(text)}")
    return text


def _sizer(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
    text = node.original if isinstance(node, Expanded) else node
    if text is None:
        return default
    if not isinstance(text, str):
        kind = type_name(text).partition("[")[0] or "slice"
        raise Refused(DecodeError(path, f"'{name}' expected a map or struct, got {quote(kind)}"))
    if text not in {"requests", "items", "bytes"}:
        raise Refused(DecodeError(path, f"'{name}' invalid sizer: {quote(text)}"))
    return text


_SIMPLE: Final[Mapping[str, Schema]] = {
    "string": TEXT,
    "text": TEXT,
    "bool": BOOL,
    "duration": DURATION,
    "float": FLOAT,
    "any": ANY,
    "level": TELEMETRY_LEVEL,
    "compression": Word("configcompression.Type", _compression),
    "sizer": Custom(_sizer),
}


def shape_of(name: str, field: str = "") -> Shape:
    """The schema of a component, for example ``receivers/otlp``, or of one of its fields."""
    shape = _shapes()[name]
    return Shape(shape["f"][field] if field else shape)
