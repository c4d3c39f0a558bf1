"""Changing exemplars, which are kept as encoded messages."""

from __future__ import annotations

from phoenix_nb.collector._values import truncate_to_int

__all__ = ["scale_exemplar"]


def scale_exemplar(raw: bytes, factor: float) -> bytes:
    """An exemplar with its value multiplied; whole numbers are cut off."""
    from opentelemetry.proto.metrics.v1 import metrics_pb2

    exemplar = metrics_pb2.Exemplar.FromString(raw)
    member = exemplar.WhichOneof("value")
    if member == "as_int":
        exemplar.as_int = truncate_to_int(float(exemplar.as_int) * factor)
    elif member == "as_double":
        exemplar.as_double *= factor
    return exemplar.SerializeToString()
