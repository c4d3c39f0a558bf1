"""The *raw descriptor*: OTLP metrics with everything that repeats left as bytes.

Resources, scopes, attributes, exemplars and points of histograms and summaries are declared as ``bytes``, so
that the Rust decoder hands them over unread and each distinct one is parsed once. The official, recursive
descriptor is never used for output: the decoder's library drops the contents of arrays when it encodes with
it. The *outer descriptor* leaves scope blocks unread too.
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["outer_handler", "raw_handler"]

# (name, number, type, flags): "?" is explicit presence, "*" is repeated.
_Messages = dict[str, tuple[tuple[str, int, str, str], ...]]
_REQUEST: _Messages = {"Request": (("resource_metrics", 1, "ResourceMetrics", "*"),)}
_OUTER: _Messages = {
    "ResourceMetrics": (
        ("resource", 1, "bytes", "?"),
        ("scope_metrics", 2, "bytes", "*"),
        ("schema_url", 3, "bytes", ""),
    ),
    **_REQUEST,
}
_RAW: _Messages = {
    "Point": (
        ("start", 2, "fixed64", ""),
        ("time", 3, "fixed64", ""),
        ("as_double", 4, "double", "?"),
        ("exemplars", 5, "bytes", "*"),
        ("as_int", 6, "sfixed64", "?"),
        ("attributes", 7, "bytes", "*"),
        ("flags", 8, "uint32", ""),
    ),
    "Gauge": (("points", 1, "Point", "*"),),
    "Sum": (("points", 1, "Point", "*"), ("temporality", 2, "int32", ""), ("monotonic", 3, "bool", "")),
    "Histogram": (("points", 1, "bytes", "*"), ("temporality", 2, "int32", "")),
    "Summary": (("points", 1, "bytes", "*"),),
    "Metric": (
        ("name", 1, "bytes", ""),
        ("description", 2, "bytes", ""),
        ("unit", 3, "bytes", ""),
        ("gauge", 5, "Gauge", ""),
        ("sum", 7, "Sum", ""),
        ("histogram", 9, "Histogram", ""),
        ("exponential_histogram", 10, "Histogram", ""),
        ("summary", 11, "Summary", ""),
        ("metadata", 12, "bytes", "*"),
    ),
    "ScopeMetrics": (
        ("scope", 1, "bytes", "?"),
        ("metrics", 2, "Metric", "*"),
        ("schema_url", 3, "bytes", ""),
    ),
    "ResourceMetrics": (
        ("resource", 1, "bytes", "?"),
        ("scope_metrics", 2, "ScopeMetrics", "*"),
        ("schema_url", 3, "bytes", ""),
    ),
    **_REQUEST,
}


@cache
def raw_handler() -> Any:
    """The decoder and encoder of the raw descriptor (``ptars.MessageHandler``)."""
    return _handler("raw", _RAW)


@cache
def outer_handler() -> Any:
    """The decoder of the outer descriptor."""
    return _handler("outer", _OUTER)


def _handler(name: str, messages: _Messages) -> Any:
    import ptars
    from google.protobuf import descriptor_pb2, descriptor_pool

    package = f"phoenix_nb.otlp.{name}"
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name=f"phoenix_nb/otlp/{name}.proto", package=package, syntax="proto3"
    )
    for message_name, declared in messages.items():
        message = file.message_type.add(name=message_name)
        for field_name, number, kind, flags in declared:
            field = message.field.add(
                name=field_name,
                number=number,
                label=kinds.LABEL_REPEATED if flags == "*" else kinds.LABEL_OPTIONAL,
            )
            if kind in messages:
                field.type = kinds.TYPE_MESSAGE
                field.type_name = f".{package}.{kind}"
            else:
                field.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
            if flags == "?":
                field.proto3_optional = True
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field_name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    described = pool.FindFileByName(file.name)
    return ptars.HandlerPool([described]).get_for_message(described.message_types_by_name["Request"])
