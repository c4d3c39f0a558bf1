"""Factors over time: what ``ResourcePattern.pattern`` means."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from phoenix_nb.simulation._spec import LoadSpec, ShapeSpec

__all__ = ["SHAPES", "CommonLoad", "factors", "shape_code", "single_factor"]

SHAPES = ("constant", "sinusoidal", "square_wave", "random", "spike")
_SPIKE_SHARE = 1 / 6
_CONSTANT, _SINE, _SQUARE, _RANDOM, _SPIKE = range(5)


def shape_code(kind: str) -> int:
    """The number that stands for a shape in arrays."""
    return SHAPES.index(kind)


def factors(
    code: NDArray[np.int8],
    amplitude: NDArray[np.float64],
    position: NDArray[np.float64],
    noise: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The factor of each process: 1 ± amplitude, never below 0.

    Args:
        code: shape of each process (:func:`shape_code`).
        amplitude: swing as a share of the base.
        position: place in the cycle, 0–1.
        noise: standard normal numbers that the random shape uses.
    """
    swing = np.choose(
        code,
        [
            np.zeros_like(position),
            np.sin(2 * np.pi * position),
            np.where(position < 0.5, 1.0, -1.0),
            np.clip(noise, -2.0, 2.0) * 0.5,
            np.where(position < _SPIKE_SHARE, 1.0, 0.0),
        ],
    )
    return np.asarray(np.maximum(1.0 + amplitude * swing, 0.0))


def single_factor(shape: ShapeSpec, seconds: float, noise: float) -> float:
    """:func:`factors` for one shape that the whole host shares."""
    position = (seconds / shape.period) % 1.0
    match shape_code(shape.kind):
        case 1:
            swing = math.sin(2 * math.pi * position)
        case 2:
            swing = 1.0 if position < 0.5 else -1.0
        case 3:
            swing = max(-1.0, min(1.0, noise * 0.5))
        case 4:
            swing = 1.0 if position < _SPIKE_SHARE else 0.0
        case _:
            swing = 0.0
    return max(0.0, 1.0 + shape.amplitude * swing)


class CommonLoad:
    """The load all processes share: a day, a short wave and slow noise around 1."""

    def __init__(self, spec: LoadSpec, rng: np.random.Generator) -> None:
        self._spec = spec
        self._rng = rng
        self._noise = float(rng.standard_normal()) * spec.noise
        self._day = float(rng.uniform())
        self._wave = float(rng.uniform())

    def step(self, seconds: float, width: float) -> float:
        """The load around ``seconds``, after ``width`` more seconds; about 1, at least 0.05."""
        spec = self._spec
        keep = math.exp(-width / spec.noise_time) if spec.noise_time > 0 else 0.0
        # An AR(1) step that keeps the standard deviation at spec.noise for every width.
        self._noise = keep * self._noise + math.sqrt(1 - keep * keep) * spec.noise * float(
            self._rng.standard_normal()
        )
        day = spec.daily * math.sin(2 * math.pi * (seconds / 86400.0 + self._day))
        wave = spec.wave * math.sin(2 * math.pi * (seconds / spec.wave_period + self._wave))
        return max(0.05, 1.0 + day + wave + self._noise)
