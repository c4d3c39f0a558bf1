"""Where raw payloads come from: this host, a simulated one, or a recording."""

from __future__ import annotations

from phoenix_nb.sources._recording import (
    RECORDING_SUFFIXES,
    RecordingSource,
    RecordingWriter,
    is_recording,
    read_recording,
    write_recording,
)

__all__ = [
    "RECORDING_SUFFIXES",
    "RecordingSource",
    "RecordingWriter",
    "is_recording",
    "read_recording",
    "write_recording",
]
