"""What a pipeline sent, as one stream."""

from __future__ import annotations

from typing import Final

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Frames
from phoenix_nb.otlp.contracts import EngineOutput

__all__ = ["combined_output"]

_UNBILLED: Final = ("debug", "nop", "logging")
"""Exporter types that send nothing to a backend."""


def combined_output(output: EngineOutput, exporter: str | None = None) -> Frames | None:
    """What all exporters sent together; ``None`` when there is no exporter.

    Debug and nop exporters count only when there is no other: nobody is billed for them. Several real exporters are
    put one after the other, because each of them is billed.

    Args:
        output: what the engine gave.
        exporter: id of the only exporter that counts.

    Raises:
        InvalidRequestError: no exporter has that id.
    """
    found = dict(output.by_exporter)
    if exporter is not None:
        if exporter not in found:
            raise InvalidRequestError(
                f"the pipeline has no exporter {exporter!r}",
                hint=f"it has {', '.join(sorted(found)) or 'none'}",
                details={"exporter": exporter},
            )
        return found[exporter]
    billed = {name: frames for name, frames in found.items() if name.split("/", 1)[0] not in _UNBILLED}
    chosen = list((billed or found).values())
    if not billed and chosen:
        # Several unbilled exporters show the same data; the first one stands for it.
        chosen = chosen[:1]
    if not chosen:
        return None
    return chosen[0] if len(chosen) == 1 else Frames.concat(chosen)
