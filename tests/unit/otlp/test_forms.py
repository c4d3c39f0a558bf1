"""Blocks of a known form are read as the decoder reads them, and what only the decoder can judge is left to it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_protobuf, measure
from phoenix_nb.otlp import _forms as forms_module
from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._decode import _columns, _frames
from phoenix_nb.otlp._forms import Forms
from phoenix_nb.otlp._frames import COLUMNS
from phoenix_nb.otlp._wire import bytes_field, fixed64_field, varint_field


def by_decoder(payloads: Sequence[bytes]) -> Frames:
    known = Dictionaries()
    return _frames(known, *_columns(known, payloads), len(payloads), None)


def told(frames: Frames) -> tuple[Any, ...]:
    """Everything there is to frames but the numbers that dictionaries happened to give."""
    shape = {
        name: frames.column(name).tobytes()
        for name in COLUMNS
        if name not in {"rm_resource", "rm_schema", "sm_scope", "sm_schema", "m_header", "p_attributes"}
    }
    known = frames.dictionaries
    parts = known.series.parts(frames.p_series)
    series = [
        (
            known.resources[resource] if resource >= 0 else None,
            known.scopes[scope] if scope >= 0 else None,
            known.headers[header],
            known.attribute_sets[attributes],
        )
        for resource, scope, header, attributes in zip(
            *(column.tolist() for column in (parts.resource, parts.scope, parts.header, parts.attributes)),
            strict=True,
        )
    ]
    return shape, encode_protobuf(frames), measure(frames).series.tolist(), frames.arrival.tolist(), series


class Sender:
    """Writes requests as senders may: fields in any order, left out, zero or of values of any kind."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.order = self.chance.random() < 0.5
        self.metrics = [self.form() for _ in range(self.chance.randrange(1, 4))]

    def joined(self, parts: list[bytes]) -> bytes:
        if self.order:
            parts = sorted(parts, key=len)
        return b"".join(parts)

    def form(self) -> dict[str, Any]:
        chance = self.chance
        return {
            "name": f"m{chance.randrange(5)}",
            "unit": chance.choice(("", "By")),
            "sum": chance.random() < 0.6,
            "points": [
                {
                    "start": chance.random() < 0.7,
                    "value": chance.choice((4, 4, 6, 6, None)),
                    "flags": chance.choice((None, None, 0, 1)),
                    "attributes": chance.choice(({}, {"state": "user"}, {"state": "system", "n": 3})),
                }
                for _ in range(chance.randrange(4))
            ],
        }

    def eight(self) -> bytes:
        return self.chance.choice(
            (
                bytes(8),
                self.chance.randbytes(8),
                b"\xff" * 8,
                (1 << 63).to_bytes(8, "little"),
                b"\0\0\0\0\0\0\xf8\x7f",
            )
        )

    def point(self, form: dict[str, Any]) -> bytes:
        parts = [fixed64_field(3, self.chance.randrange(1, 1 << 62).to_bytes(8, "little"))]
        if form["start"]:
            parts.append(fixed64_field(2, self.eight()))
        if form["value"] is not None:
            parts.append(fixed64_field(form["value"], self.eight()))
        if form["flags"] is not None:
            parts.append(varint_field(8, form["flags"]))
        parts.extend(bytes_field(7, wire) for wire in Attributes.of(form["attributes"]).wires)
        return self.joined(parts)

    def metric(self, form: dict[str, Any]) -> bytes:
        data = b"".join(bytes_field(1, self.point(point)) for point in form["points"])
        if form["sum"]:
            data = self.joined([data, varint_field(2, 2), varint_field(3, 1)])
        return self.joined(
            [
                bytes_field(1, form["name"].encode()),
                bytes_field(3, form["unit"].encode()),
                bytes_field(7 if form["sum"] else 5, data),
            ]
        )

    def scope_block(self) -> bytes:
        head = [bytes_field(1, bytes_field(1, b"scope"))] if self.chance.random() < 0.7 else []
        some = self.metrics[: self.chance.choice((len(self.metrics), 1))]
        return self.joined([*head, *(bytes_field(2, self.metric(form)) for form in some)])

    def block(self) -> bytes:
        resource = bytes_field(1, Attributes.of({"process.pid": self.chance.randrange(4)}).wires[0])
        parts = [bytes_field(1, resource)] if self.chance.random() < 0.9 else []
        parts.extend(bytes_field(2, self.scope_block()) for _ in range(self.chance.choice((1, 1, 1, 0, 2))))
        if self.chance.random() < 0.2:
            parts.append(bytes_field(3, b"https://schema"))
        return self.joined(parts)

    def request(self) -> bytes:
        return b"".join(bytes_field(1, self.block()) for _ in range(self.chance.randrange(1, 6)))


@pytest.mark.parametrize("seed", range(150))
def test_known_forms_are_read_as_the_decoder_reads_them(seed: int) -> None:
    sender = Sender(seed)
    known = Dictionaries()
    decoder = Decoder(known)
    for _ in range(4):
        payloads = [sender.request() for _ in range(sender.chance.randrange(1, 5))]
        decoder._forms._skip = 0  # every call tries, however many blocks are new
        assert told(decoder.protobuf(payloads)) == told(by_decoder(payloads))


def numbers_only(count: int) -> list[bytes]:
    """Requests of one form."""
    sender = Sender(1)
    sender.metrics = [
        {
            "name": "m",
            "unit": "",
            "sum": True,
            "points": [{"start": True, "value": 6, "flags": None, "attributes": {}}],
        }
    ]
    return [
        bytes_field(1, bytes_field(2, bytes_field(2, sender.metric(sender.metrics[0])))) for _ in range(count)
    ]


def named(name: str) -> bytes:
    """A scope block with a metric of some name and no points."""
    return bytes_field(2, Sender(1).metric({"name": name, "unit": "", "sum": False, "points": []}))


def forms(known: Dictionaries) -> Forms:
    return Forms(known, partial(_columns, known))


def test_numbers_are_read_without_the_decoder_once_their_form_is_known() -> None:
    known = Dictionaries()
    decoded: list[int] = []

    def decode(payloads: Sequence[bytes]) -> Any:
        decoded.append(len(payloads))
        return _columns(known, payloads)

    own = Forms(known, decode)
    assert all(own.read(numbers_only(3)) is not None for _ in range(5))
    assert decoded == [1]
    assert not len(known.series), "learning a form makes no series"


HISTOGRAM = bytes_field(
    1, bytes_field(2, bytes_field(2, bytes_field(9, bytes_field(1, fixed64_field(4, bytes(8))))))
)
EXEMPLAR = bytes_field(
    1,
    bytes_field(
        2, bytes_field(2, bytes_field(5, bytes_field(1, bytes_field(5, fixed64_field(2, bytes(8))))))
    ),
)
TWICE = bytes_field(
    1,
    bytes_field(
        2,
        bytes_field(
            2, bytes_field(5, bytes_field(1, fixed64_field(3, bytes(8)) + fixed64_field(3, b"12345678")))
        ),
    ),
)
TWO_KINDS = bytes_field(1, bytes_field(2, bytes_field(2, bytes_field(5, b"") + bytes_field(7, b""))))


@pytest.mark.parametrize(
    "raw", [HISTOGRAM, EXEMPLAR, TWICE, TWO_KINDS, b"", b"\x0a\x05", b"\x0a\x02\x12\x00"]
)
def test_what_is_not_only_numbers_is_left_to_the_decoder(raw: bytes) -> None:
    assert forms(Dictionaries()).read([raw]) is None


def test_trying_again_and_again_in_vain_is_given_up_for_a_while() -> None:
    own = forms(Dictionaries())
    numbers = numbers_only(2)
    assert own.read([HISTOGRAM]) is None
    assert own.read(numbers) is None, "one call is left out"
    assert own.read([HISTOGRAM]) is None
    assert [own.read(numbers) is None for _ in range(5)] == [True, True, True, False, False]


def test_forms_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms_module, "_MOST_FORMS", 4)
    sender = Sender(5)
    decoder = Decoder(Dictionaries())
    for number in range(20):
        sender.metrics = [sender.form() | {"name": "m" * number}]
        payloads = [sender.request() for _ in range(3)]
        assert told(decoder.protobuf(payloads)) == told(by_decoder(payloads))
        assert decoder._forms._count <= 4


def test_forms_are_forgotten_when_their_blocks_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [bytes_field(1, bytes_field(2, named("m" * length))) for length in range(1, 9)]
    most = 3 * len(named("m" * 8))
    monkeypatch.setattr(forms_module, "_MOST_BYTES", most)
    own = forms(Dictionaries())
    for request in requests:
        assert own.read([request] * 2) is not None
        assert own._bytes == sum(size * len(some) for size, some in own._by_size.items()) <= most
    assert own.read([bytes_field(1, bytes_field(2, named("m" * most)))]) is None


def test_blocks_that_are_new_every_time_are_mostly_left_to_the_decoder() -> None:
    own = forms(Dictionaries())
    found = [
        own.read([bytes_field(1, bytes_field(2, named("m" * length)))]) is not None for length in range(1, 65)
    ]
    assert sum(found) == 6, "with a pause of 1, 3, 7, 15, 31 and 63 calls behind each"


def test_a_size_of_too_many_forms_is_left_to_the_decoder() -> None:
    own = forms(Dictionaries())
    requests = [
        bytes_field(1, bytes_field(2, named(f"m{at:03d}"))) for at in range(forms_module._MOST_OF_A_SIZE + 1)
    ]
    found = [own.read([request] * 2) is not None for request in requests]
    assert found == [True] * forms_module._MOST_OF_A_SIZE + [False]


def outcome(decode: Any, payloads: Sequence[bytes]) -> Any:
    try:
        return told(decode(payloads))
    except ValueError as exc:
        return type(exc).__name__


@pytest.mark.parametrize("seed", range(150))
def test_broken_bytes_end_as_they_do_in_the_decoder(seed: int) -> None:
    sender = Sender(seed)
    decoder = Decoder(Dictionaries())
    decoder.protobuf([sender.request() for _ in range(3)])
    decoder._forms._skip = 0
    payload = bytearray(sender.request())
    for _ in range(sender.chance.randrange(1, 4)):
        payload[sender.chance.randrange(len(payload))] = sender.chance.randrange(256)
    ours, theirs = outcome(decoder.protobuf, [bytes(payload)]), outcome(by_decoder, [bytes(payload)])
    if isinstance(theirs, str):
        assert isinstance(ours, str)
    else:
        assert ours == theirs
