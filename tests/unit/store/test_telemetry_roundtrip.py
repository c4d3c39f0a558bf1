"""Property tests: whatever OTLP allows comes back from the telemetry store byte for byte."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_nb.interfaces import Context
from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_protobuf
from phoenix_nb.store._database import Database
from phoenix_nb.store._telemetry import DuckDbTelemetryStore
from tests.unit.otlp.test_otlp_roundtrip import _requests

CTX = Context.background()


async def _read(store: DuckDbTelemetryStore, stream: str, known: Dictionaries) -> Frames:
    parts = [part async for part in store.read(CTX, "exp_1", stream, known)]
    return Frames.concat(parts)


async def _round_trip(frames: Frames, size: int) -> None:
    database = await Database.open(None)
    try:
        store = DuckDbTelemetryStore(database)
        await store.append(CTX, "exp_1", "raw", frames)
        for part in frames.chunks(size):
            await store.append(CTX, "exp_1", "candidate", part)
        # Another run with other dictionaries goes on in the same stream.
        other = Decoder(Dictionaries()).protobuf(encode_protobuf(frames)[::-1])
        await store.append(CTX, "exp_1", "candidate", other)
        whole = await _read(store, "raw", Dictionaries())
        assert encode_protobuf(whole) == encode_protobuf(frames)
        assert whole.arrival.tolist() == frames.arrival.tolist()
        assert encode_protobuf(await _read(store, "candidate", Dictionaries())) == encode_protobuf(
            frames
        ) + encode_protobuf(other)
    finally:
        await database.aclose()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_requests(), min_size=1, max_size=4), st.integers(1, 3))
def test_payloads_come_back_byte_for_byte(messages: list[Any], size: int) -> None:
    raw = [message.SerializeToString() for message in messages]
    arrivals = [(1 << 64) - 1 - number for number in range(len(raw))]
    frames = Decoder(Dictionaries()).protobuf(raw, arrivals)
    assert encode_protobuf(frames) == raw
    asyncio.run(_round_trip(frames, size))
