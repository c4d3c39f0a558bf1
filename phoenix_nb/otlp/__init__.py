"""The one payload model: OTLP metrics as columns, exact to the byte."""

from __future__ import annotations

from phoenix_nb.otlp._attributes import Attributes, AttributeValue, KeyValues, attribute_text
from phoenix_nb.otlp._builder import FramesBuilder, ScrapeTemplate
from phoenix_nb.otlp._decode import CHUNK, Decoder
from phoenix_nb.otlp._dictionary import Dictionaries, Dictionary, Table
from phoenix_nb.otlp._encode import encode_protobuf
from phoenix_nb.otlp._frames import COLUMNS, Frames
from phoenix_nb.otlp._json_out import encode_json
from phoenix_nb.otlp._measure import (
    Measures,
    measure,
    point_bytes,
    series_keys,
    series_per_payload,
)
from phoenix_nb.otlp._model import (
    Buckets,
    ExponentialHistogramValue,
    HistogramValue,
    MetricHeader,
    MetricType,
    PointKind,
    Resource,
    Scope,
    SidePoint,
    SideValue,
    SummaryValue,
    Temporality,
)
from phoenix_nb.otlp._pairs import Growing, PairIndex
from phoenix_nb.otlp._redact import redact_command_line, redact_frames
from phoenix_nb.otlp._reference import reference_times

__all__ = [
    "CHUNK",
    "COLUMNS",
    "AttributeValue",
    "Attributes",
    "Buckets",
    "Decoder",
    "Dictionaries",
    "Dictionary",
    "ExponentialHistogramValue",
    "Frames",
    "FramesBuilder",
    "Growing",
    "HistogramValue",
    "KeyValues",
    "Measures",
    "MetricHeader",
    "MetricType",
    "PairIndex",
    "PointKind",
    "Resource",
    "Scope",
    "ScrapeTemplate",
    "SidePoint",
    "SideValue",
    "SummaryValue",
    "Table",
    "Temporality",
    "attribute_text",
    "encode_json",
    "encode_protobuf",
    "measure",
    "point_bytes",
    "redact_command_line",
    "redact_frames",
    "reference_times",
    "series_keys",
    "series_per_payload",
]
