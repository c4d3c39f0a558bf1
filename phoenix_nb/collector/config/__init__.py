"""From text to checked settings: YAML, expansion, ids, strict decoding."""

from __future__ import annotations

from phoenix_nb.collector.config._durations import format_duration, parse_duration
from phoenix_nb.collector.config._expand import ExpansionError, expand
from phoenix_nb.collector.config._ids import SIGNALS, ComponentId, IdError, quote
from phoenix_nb.collector.config._levels import LOG_LEVEL, TELEMETRY_LEVEL
from phoenix_nb.collector.config._scalars import bounded_int
from phoenix_nb.collector.config._schema import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    TEXT,
    UINT32,
    Custom,
    DecodeError,
    Entries,
    Items,
    Number,
    Optional,
    Refused,
    Schema,
    Settings,
    Struct,
    Word,
    decode_settings,
    joined,
    nested,
    setting,
    walk_problems,
)
from phoenix_nb.collector.config._tree import Expanded, Node, YamlTime, plain, type_name
from phoenix_nb.collector.config._yaml import MAX_BYTES, YamlError, load_yaml

__all__ = [
    "ANY",
    "BOOL",
    "DURATION",
    "FLOAT",
    "INT",
    "LOG_LEVEL",
    "MAX_BYTES",
    "SIGNALS",
    "TELEMETRY_LEVEL",
    "TEXT",
    "UINT32",
    "ComponentId",
    "Custom",
    "DecodeError",
    "Entries",
    "Expanded",
    "ExpansionError",
    "IdError",
    "Items",
    "Node",
    "Number",
    "Optional",
    "Refused",
    "Schema",
    "Settings",
    "Struct",
    "Word",
    "YamlError",
    "YamlTime",
    "bounded_int",
    "decode_settings",
    "expand",
    "format_duration",
    "joined",
    "load_yaml",
    "nested",
    "parse_duration",
    "plain",
    "quote",
    "setting",
    "type_name",
    "walk_problems",
]
