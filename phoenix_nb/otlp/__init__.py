"""The one payload model: OTLP metrics as columns, exact to the byte."""

from __future__ import annotations

from phoenix_nb.otlp._attributes import Attributes, AttributeValue, KeyValues, attribute_text
from phoenix_nb.otlp._builder import FramesBuilder, ScrapeTemplate
from phoenix_nb.otlp._dictionary import Dictionaries, Dictionary
from phoenix_nb.otlp._frames import Frames
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

__all__ = [
    "AttributeValue",
    "Attributes",
    "Buckets",
    "Dictionaries",
    "Dictionary",
    "ExponentialHistogramValue",
    "Frames",
    "FramesBuilder",
    "HistogramValue",
    "KeyValues",
    "MetricHeader",
    "MetricType",
    "PointKind",
    "Resource",
    "Scope",
    "ScrapeTemplate",
    "SidePoint",
    "SideValue",
    "SummaryValue",
    "Temporality",
    "attribute_text",
]
