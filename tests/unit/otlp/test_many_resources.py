"""Resources read for many messages at once are those that each message gives by itself."""

from __future__ import annotations

import random

import pytest

from phoenix_nb.errors import PayloadDecodeError
from phoenix_nb.otlp import Attributes
from phoenix_nb.otlp._model import Resource, parse_resource, parse_resources
from phoenix_nb.otlp._wire import bytes_field, varint_field

KEYS = ("a", "process.pid", "é", "", "k" * 127, "k" * 130)
VALUES = (
    *("", "x", "é\0", "y" * 125, "y" * 126, "y" * 127, "y" * 128, "y" * 300, "y" * 17_000),
    *(0, 1, 127, 128, 2**31, 2**62, 2**63 - 1, -1, -(2**63), True, False),
    *(1.5, None, b"raw", ["a", 1], {"m": 1}),
)
# What senders may write and this project never does: longer forms than needed, a value that comes twice.
UNUSUAL = (
    bytes_field(1, b"key") + bytes_field(2, b"\x18\x81\x80\x00"),
    bytes_field(1, b"key") + bytes_field(2, b"\x0a\x83\x00abc"),
    b"\x0a\x83\x00abc" + bytes_field(2, b"\x0a\x03abc"),
    bytes_field(1, b"key") + bytes_field(2, b"\x18\x01\x18\x02"),
    bytes_field(2, b"\x18\x05") + bytes_field(1, b"key"),
    bytes_field(1, b"key"),
)


def entry(chance: random.Random) -> bytes:
    if chance.random() < 0.2:
        return chance.choice(UNUSUAL)
    return Attributes.of({chance.choice(KEYS): chance.choice(VALUES)}).wires[0]


def resource(chance: random.Random) -> bytes:
    raw = b"".join(bytes_field(1, entry(chance)) for _ in range(chance.randrange(9)))
    if chance.random() < 0.1:
        raw += chance.choice((varint_field(2, 5), bytes_field(3, b"entity")))
    return b"\x0a\x83\x00\x0a\x01k" + raw if chance.random() < 0.1 else raw


def told(found: Resource) -> tuple[object, ...]:
    """Everything there is to a resource; NaN and -0.0 are told from others by their text."""
    own = found.attributes
    return own.keys(), repr(own.values()), own.wires, own.digest, own.wire_size, own.to_dict().keys(), found


@pytest.mark.parametrize("seed", range(40))
def test_many_resources_are_read_as_each_by_itself(seed: int) -> None:
    chance = random.Random(seed)
    raws = [resource(chance) for _ in range(80)]
    assert list(map(told, parse_resources(raws))) == [told(parse_resource(raw)) for raw in raws]


@pytest.mark.parametrize("seed", range(60))
def test_a_broken_resource_among_many_is_refused_with_the_same_words(seed: int) -> None:
    chance = random.Random(seed)
    raws = [resource(chance) for _ in range(80)]
    broken = bytearray(bytes_field(1, Attributes.of({"key": "väl", "n": 5}).wires[seed % 2]))
    while True:
        broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            parse_resource(bytes(broken))
        except PayloadDecodeError as exc:
            said = str(exc)
            break
    raws[chance.randrange(80)] = bytes(broken)
    with pytest.raises(PayloadDecodeError) as caught:
        parse_resources(raws)
    assert str(caught.value) == said
