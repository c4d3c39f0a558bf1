"""What a pipeline sent, as one stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineMeasures, EngineOutput

__all__ = ["ArmOutput", "combined_output", "uncounted_exporters"]

_UNBILLED: Final = ("debug", "nop", "logging")
"""Exporter types that send nothing to a backend."""
_SILENT: Final = "nop"
"""The one that people use to throw payloads away."""


def combined_output(output: EngineOutput, exporter: str | None = None) -> Frames | None:
    """What all exporters sent together; ``None`` when there is no exporter.

    Debug and nop exporters count only when there is no other: nobody is billed for them. Several real exporters are
    put one after the other, because each of them is billed; several debug exporters too, as far as they get different
    payloads.

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
    chosen = list(_billed(found).values()) or _different(list(found.values()))
    if not chosen:
        return None
    return chosen[0] if len(chosen) == 1 else Frames.concat(chosen)


def uncounted_exporters(output: EngineOutput) -> tuple[str, ...]:
    """Ids of exporters that do not count beside others, although they get what none of those gets.

    Args:
        output: what the engine gave.
    """
    found = output.by_exporter
    billed = _billed(found)
    if not billed:
        return ()
    return tuple(
        name
        for name, frames in found.items()
        if name not in billed
        and _type(name) != _SILENT
        and frames.n_points
        and not any(_same(frames, other) for other in billed.values())
    )


def _billed(found: Mapping[str, Frames]) -> dict[str, Frames]:
    return {name: frames for name, frames in found.items() if _type(name) not in _UNBILLED}


def _type(exporter: str) -> str:
    return exporter.partition("/")[0]


def _different(found: Sequence[Frames]) -> list[Frames]:
    """Each of them once."""
    made: list[Frames] = []
    for frames in found:
        if not any(_same(frames, other) for other in made):
            made.append(frames)
    return made


def _same(first: Frames, second: Frames) -> bool:
    """Whether two exporters got the same points in the same payloads."""
    return first is second or (
        first.n_points == second.n_points
        and all(
            np.array_equal(getattr(first, name), getattr(second, name))
            for name in ("p_payload", "p_series", "p_time")
        )
    )


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
