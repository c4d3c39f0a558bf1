"""What a pipeline sent, as one stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineMeasures, EngineOutput

__all__ = ["ArmOutput", "combined_output"]

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


@dataclass(frozen=True, slots=True)
class ArmOutput:
    """What one arm made of the payloads of one call."""

    frames: Frames | None
    """What it sent; ``None`` when it was silent: it failed."""
    regrouped: bool = False
    """Whether its payloads may not be those of the call one by one."""
    refused: frozenset[int] = field(default=frozenset())
    """Payloads of the call that it refused."""
    measures: EngineMeasures | None = None
    """What it cost, where a real collector tells."""
    skipped: frozenset[int] = field(default=frozenset())
    """Payloads of the call that its receiver would not have scraped."""

    @classmethod
    def of(cls, output: EngineOutput, dictionaries: Dictionaries) -> ArmOutput:
        """What an engine gave, as one stream."""
        if output.failure:
            return cls(None, measures=output.measures)
        frames = combined_output(output)
        return cls(
            Frames.empty(dictionaries) if frames is None else frames,
            output.regrouped,
            frozenset(output.refused),
            output.measures,
            output.skipped,
        )
