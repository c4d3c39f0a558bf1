"""How much CPU, memory and disk every process uses during one tick."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from phoenix_nb.simulation._shapes import factors, shape_code, single_factor
from phoenix_nb.simulation._spec import EffectSpec, Template, WorldSpec
from phoenix_nb.simulation._table import F, I, ProcessTable

__all__ = ["UsageModel", "template_columns"]

_NOISE_TIME = 20.0
"""Correlation time in seconds of a process's own noise."""
_NOISE_SIZE = 0.3
"""Standard deviation of the logarithm of a process's own noise."""


def template_columns(templates: tuple[Template, ...]) -> NDArray[np.float64]:
    """The floating-point columns a new process starts from, shape (columns, templates)."""
    block = np.zeros((len(F), len(templates)))
    for column, one in enumerate(templates):
        for field, value in (
            (F.CPU_BASE, one.cpu),
            (F.CPU_AMPLITUDE, one.cpu_shape.amplitude),
            (F.CPU_PERIOD, one.cpu_shape.period),
            (F.CPU_CODE, shape_code(one.cpu_shape.kind)),
            (F.MEMORY_BASE, one.memory),
            (F.MEMORY_AMPLITUDE, one.memory_shape.amplitude),
            (F.MEMORY_PERIOD, one.memory_shape.period),
            (F.MEMORY_CODE, shape_code(one.memory_shape.kind)),
            (F.SYSTEM_SHARE, one.system_share),
            (F.WAIT_BASE, one.wait),
            (F.READ_BASE, one.disk_read),
            (F.WRITE_BASE, one.disk_write),
            (F.LOAD, one.load),
            (F.GROWTH, one.growth),
            (F.GROWTH_LIMIT, one.growth_limit or 10 * one.memory),
            (F.VIRTUAL, one.virtual or 2 * one.memory),
            (F.THREADS, one.threads),
            (F.OPEN_FILES, one.open_files),
        ):
            block[field, column] = value
    return block


class UsageModel:
    """Sets the rates and the memory of all rows for one tick."""

    def __init__(self, spec: WorldSpec, rng: np.random.Generator) -> None:
        self._spec = spec
        self._rng = rng
        self.cpu_factor = 1.0
        """Adjustment of every CPU level, 1 for none (``LoadAdjustment``)."""
        self.memory_factor = 1.0
        """Adjustment of every memory level, 1 for none."""

    def settle(self, floats: NDArray[np.float64]) -> None:
        """Give newborn columns (in place) their own level, phase and noise."""
        count = floats.shape[1]
        floats[F.NOISE] = self._rng.standard_normal(count)
        floats[F.PHASE] = self._rng.uniform(size=count)
        for field, width in (
            (F.CPU_BASE, 0.35),
            (F.MEMORY_BASE, 0.15),
            (F.READ_BASE, 0.35),
            (F.WRITE_BASE, 0.35),
        ):
            floats[field] *= np.exp(self._rng.normal(-width * width / 2, width, count))

    def step(
        self,
        table: ProcessTable,
        now: int,
        seconds: float,
        width: float,
        load: float,
        effects: list[tuple[EffectSpec, NDArray[np.bool_]]],
    ) -> None:
        """Set rates and memory for the tick that begins now.

        Args:
            table: the rows; dead ones are gone already.
            now: begin of the tick, unix nanoseconds.
            seconds: the same since the start of the simulation.
            width: length of the tick in seconds.
            load: the common load, about 1.
            effects: what is in force, with the templates each one matches.
        """
        count = table.size
        if count == 0:
            return
        chaos = self._spec.chaos
        draws = self._rng.standard_normal((4, count))
        keep = math.exp(-width / _NOISE_TIME)
        noise = table.f(F.NOISE)
        noise *= keep
        noise += math.sqrt(1 - keep * keep) * draws[0]
        if chaos.spike_probability > 0:
            chance = 1 - (1 - min(chaos.spike_probability, 1.0)) ** (width / 60)
            starts = (self._rng.uniform(size=count) < chance) & (table.f(F.CPU_BASE) > 0)
            table.i(I.SPIKE_END)[starts] = now + int(chaos.spike_duration * 1e9)
        self._apply(table, slice(0, count), now, seconds, load, effects, draws)

    def start(self, table: ProcessTable, rows: slice, now: int, seconds: float, load: float) -> None:
        """Set rates and memory of rows that were added by hand inside a tick."""
        draws = self._rng.standard_normal((4, rows.stop - rows.start))
        self._apply(table, rows, now, seconds, load, [], draws)

    def _apply(
        self,
        table: ProcessTable,
        rows: slice,
        now: int,
        seconds: float,
        load: float,
        effects: list[tuple[EffectSpec, NDArray[np.bool_]]],
        draws: NDArray[np.float64],
    ) -> None:
        spec, chaos = self._spec, self._spec.chaos

        def col(column: F) -> NDArray[np.float64]:
            return table.f(column)[rows]

        own = np.exp(_NOISE_SIZE * col(F.NOISE) - _NOISE_SIZE * _NOISE_SIZE / 2)
        pull = 1.0 + col(F.LOAD) * (load - 1.0)
        phase = col(F.PHASE)
        cpu_place = (seconds / col(F.CPU_PERIOD) + phase) % 1.0
        cpu = col(F.CPU_BASE) * factors(
            col(F.CPU_CODE).astype(np.int8), col(F.CPU_AMPLITUDE), cpu_place, draws[1]
        )
        cpu *= own * pull * (self.cpu_factor * single_factor(spec.cpu, seconds, float(draws[2, 0])))
        memory_place = (seconds / col(F.MEMORY_PERIOD) + phase) % 1.0
        memory = col(F.MEMORY_BASE) * factors(
            col(F.MEMORY_CODE).astype(np.int8), col(F.MEMORY_AMPLITUDE), memory_place, draws[3]
        )
        memory *= (1.0 + 0.02 * col(F.NOISE)) * (
            self.memory_factor * single_factor(spec.memory, seconds, float(draws[2, -1]))
        )
        disk = own * pull * single_factor(spec.disk, seconds, float(draws[3, 0]))
        age = np.maximum(now - table.i(I.START)[rows], 0) / 1e9
        memory += np.mod(col(F.GROWTH) * age, np.maximum(col(F.GROWTH_LIMIT), 1.0))
        if chaos.spike_probability > 0:
            high = np.where(table.i(I.SPIKE_END)[rows] > now, chaos.spike_magnitude, 1.0)
            if chaos.spike_resource in ("cpu", "all"):
                cpu *= high
            if chaos.spike_resource in ("memory", "all"):
                memory *= high
        for effect, matches in effects:
            factor = np.where(matches[table.i(I.TEMPLATE)[rows]], effect.value, 1.0)
            if effect.kind == "cpu":
                cpu *= factor
            elif effect.kind == "memory":
                memory *= factor
            elif effect.kind == "disk":
                disk *= factor
        np.minimum(cpu, np.minimum(col(F.THREADS), spec.host.cpus), out=cpu)
        total = float(cpu.sum())
        if total > spec.host.cpus:
            cpu *= spec.host.cpus / total
        rates = table.rates()[:, rows]
        rates[1] = cpu * col(F.SYSTEM_SHARE)
        rates[0] = cpu - rates[1]
        rates[2] = col(F.WAIT_BASE) * pull
        rates[3] = col(F.READ_BASE) * disk
        rates[4] = col(F.WRITE_BASE) * disk
        resident = float(memory.sum())
        if resident > spec.host.memory:
            memory *= spec.host.memory / resident
        table.f(F.RSS)[rows] = memory
