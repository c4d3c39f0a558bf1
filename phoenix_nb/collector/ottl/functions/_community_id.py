"""``CommunityID``: the hash that names a network flow (Corelight, Community ID flow hashing, version 1)."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Callable
from typing import Final

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import OttlError, Value

__all__ = ["COMMUNITY_ID"]

_PROTOCOLS: Final = {"ICMP": 1, "TCP": 6, "UDP": 17, "RSVP": 46, "ICMP6": 58, "SCTP": 132}
_MOST: Final = (1 << 16) - 1


def _address(getter: Getter, item: Item, which: str) -> bytes:
    text = str(getter.get(item))
    try:
        # A zone behind an address is not read here, and leading zeros of numbers are not either.
        found = ipaddress.ip_address("" if "%" in text else text)
    except ValueError as exc:
        raise OttlError(f"invalid {which} IP: {text}") from exc
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).packed


def _small(getter: Getter, item: Item, name: str) -> bytes:
    number = getter.get(item)
    assert isinstance(number, int)  # noqa: S101 - the getter insists
    if not 0 <= number <= _MOST:
        raise OttlError(f"{name} must be between 0 and {_MOST}, got {number}")
    return number.to_bytes(2, "big")


def _community_id(
    source_ip: Getter,
    source_port: Getter,
    destination_ip: Getter,
    destination_port: Getter,
    protocol: Getter | None = None,
    seed: Getter | None = None,
) -> Callable[[Item], Value]:
    def evaluate(item: Item) -> Value:
        ends = []
        for which, ip, port in (
            ("source", source_ip, source_port),
            ("destination", destination_ip, destination_port),
        ):
            number = _small(port, item, f"{which} port")
            ends.append((_address(ip, item, which), number))
        name = "TCP" if protocol is None else str(protocol.get(item))
        if name not in _PROTOCOLS:
            raise OttlError(f"unsupported protocol: {name}")
        salt = b"\0\0" if seed is None else _small(seed, item, "seed")
        # Both directions of a flow have one name; short addresses come first.
        (first, first_port), (second, second_port) = sorted(ends, key=lambda end: (len(end[0]), *end))
        flow = salt + first + second + bytes((_PROTOCOLS[name], 0)) + first_port + second_port
        made = hashlib.sha1(flow, usedforsecurity=False).digest()
        return f"1:{base64.b64encode(made).decode()}"

    return evaluate


COMMUNITY_ID: Final = Function(
    "CommunityID",
    (
        param("source_ip", "string", field="SourceIP"),
        param("source_port", "int"),
        param("destination_ip", "string", field="DestinationIP"),
        param("destination_port", "int"),
        param("protocol", "string", optional=True),
        param("seed", "int", optional=True),
    ),
    _community_id,
)
"""The name of a flow between two ends."""
