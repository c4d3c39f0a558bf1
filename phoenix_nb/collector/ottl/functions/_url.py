"""``URL``: the parts of an address, split as Go does it (RFC 3986 with its leniencies)."""

from __future__ import annotations

import ipaddress
import re
import string
from dataclasses import dataclass, replace
from typing import Final

from phoenix_nb.collector.config import bounded_int
from phoenix_nb.collector.ottl._function import Function, converter, param
from phoenix_nb.collector.ottl._runtime import OttlError, Value
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = ["PARSE_URL"]

_PLAIN: Final = frozenset((string.ascii_letters + string.digits + "-_.~").encode())
_SAFE: Final = {
    # Bytes beside plain ones that stay as they are, by the part of an address that they are in.
    "path": _PLAIN | frozenset(b"$&+,/:;=@"),
    "fragment": _PLAIN | frozenset(b"$&+,/:;=?@!()*"),
    "user": _PLAIN | frozenset(b"$&+,;="),
    "host": _PLAIN | frozenset(b"!$&'()*+,;=:[]<>\""),
}
_ALSO_VALID: Final = frozenset(b"!$&'()*+,;=:@[]%")
_USER: Final = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_PORT: Final = re.compile(rb"(:[0-9]*)?")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_HIGH: Final = (1 << 63) - 1


def _unescaped(raw: bytes, part: str) -> bytes:
    for found in re.finditer(rb"%(.{0,2})", raw, re.DOTALL):
        code = found[1]
        if not re.fullmatch(rb"[0-9A-Fa-f]{2}", code):
            raise OttlError(f"invalid URL escape {found.group().decode(errors='replace')!r}")
        # In a host only letters beyond ASCII may be written so, and the percent sign itself.
        byte = int(code, 16)
        zone = part == "zone" and (byte == 0x20 or byte in _SAFE["host"])
        if part in {"host", "zone"} and code != b"25" and not zone and (part == "zone" or byte < 0x80):
            raise OttlError(f"invalid URL escape {found.group().decode(errors='replace')!r}")
    if part in {"host", "zone"}:
        wrong = next(
            (byte for byte in raw if byte < 0x80 and byte not in _SAFE["host"] and byte != 0x25), None
        )
        if wrong is not None:
            raise OttlError(f"invalid character {chr(wrong)!r} in host name")
    if part == "query":
        raw = raw.replace(b"+", b" ")
    return _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), raw)


def _escaped(raw: bytes, part: str) -> bytes:
    safe = _SAFE[part]
    return b"".join(bytes((byte,)) if byte in safe else b"%%%02X" % byte for byte in raw)


def _kept(raw: bytes, part: str) -> bytes:
    """A part as it was written where that is a valid way to write it."""
    if all(byte in _SAFE[part] or byte in _ALSO_VALID for byte in raw):
        return raw
    return _escaped(_unescaped(raw, part), part)


def _host(raw: bytes) -> bytes:
    opening = raw.rfind(b"[")
    if opening > 0:
        raise OttlError("invalid IP-literal")
    if opening == 0:
        closing = raw.rfind(b"]")
        if closing < 0:
            raise OttlError("missing ']' in host")
        inner, port = raw[1:closing], raw[closing + 1 :]
        if not _PORT.fullmatch(port):
            raise OttlError("invalid port after host")
        at = inner.find(b"%25")
        name = (
            _unescaped(inner, "host")
            if at < 0
            else _unescaped(inner[:at], "host") + _unescaped(inner[at:], "zone")
        )
        try:
            ipaddress.IPv6Address(name.decode())
        except ValueError as exc:
            raise OttlError(f"invalid host: {exc}") from exc
        return b"[" + name + b"]" + port
    # Go's stricter rule for colons in hosts of http is off in collectors of these releases.
    at = raw.rfind(b":")
    if at >= 0 and not _PORT.fullmatch(raw[at:]):
        raise OttlError("invalid port after host")
    return _unescaped(raw, "host")


@dataclass(slots=True)
class _Url:
    scheme: bytes = b""
    opaque: bytes = b""
    host: bytes = b""
    user: bytes | None = None
    password: bytes | None = None
    path: bytes = b""
    written_path: bytes = b""
    no_host: bool = False
    query: bytes = b""
    asks: bool = False
    fragment: bytes = b""
    written_fragment: bytes = b""

    @property
    def user_info(self) -> bytes:
        made = _escaped(self.user or b"", "user")
        return made if self.password is None else made + b":" + _escaped(self.password, "user")

    def written(self) -> bytes:
        made = self.scheme + b":" if self.scheme else b""
        if self.opaque:
            made += self.opaque
        else:
            named = bool(self.scheme or self.host or self.user is not None)
            if named and not (self.no_host and not self.host and self.user is None):
                made += b"//" if self.host or self.path or self.user is not None else b""
                made += b"" if self.user is None else self.user_info + b"@"
                made += _escaped(self.host, "host")
            path = b"*" if self.path == b"*" else _kept(self.written_path, "path")
            if path and not path.startswith(b"/") and self.host:
                made += b"/"
            if not made and b":" in path.partition(b"/")[0]:
                made += b"./"
            made += path
        if self.asks or self.query:
            made += b"?" + self.query
        return made + b"#" + _kept(self.written_fragment, "fragment") if self.fragment else made


def _split(raw: bytes) -> _Url:
    made = _Url()
    raw, _, fragment = raw.partition(b"#")
    if any(byte < 0x20 or byte == 0x7F for byte in raw):
        raise OttlError("net/url: invalid control character in URL")
    if raw == b"*":
        made.path = made.written_path = b"*"
    else:
        _rest(made, raw)
    made.written_fragment, made.fragment = fragment, _unescaped(fragment, "fragment")
    return made


def _rest(made: _Url, raw: bytes) -> None:
    found = re.match(rb"[A-Za-z][A-Za-z0-9+.\-]*:", raw)
    if raw.startswith(b":"):
        raise OttlError("missing protocol scheme")
    if found:
        made.scheme, raw = found.group()[:-1].lower(), raw[found.end() :]
    if raw.endswith(b"?") and raw.count(b"?") == 1:
        made.asks, raw = True, raw[:-1]
    else:
        raw, _, made.query = raw.partition(b"?")
    if not raw.startswith(b"/"):
        if made.scheme:
            made.opaque = raw
            return
        if b":" in raw.partition(b"/")[0]:
            raise OttlError("first path segment in URL cannot contain colon")
    if raw.startswith(b"//") and (made.scheme or not raw.startswith(b"///")):
        authority, slash, rest = raw[2:].partition(b"/")
        raw = slash + rest
        user, at, host = authority.rpartition(b"@")
        made.host = _host(host)
        if at:
            if not _USER.fullmatch(user):
                raise OttlError("net/url: invalid userinfo")
            name, colon, password = user.partition(b":")
            made.user = _unescaped(name, "user")
            made.password = _unescaped(password, "user") if colon else None
    elif made.scheme and raw.startswith(b"/"):
        made.no_host = True
    made.written_path, made.path = raw, _unescaped(raw, "path")


def _host_and_port(host: bytes) -> tuple[bytes, bytes]:
    before, colon, port = host.rpartition(b":")
    if colon and _PORT.fullmatch(colon + port):
        host = before
    else:
        port = b""
    return (host[1:-1] if host.startswith(b"[") and host.endswith(b"]") else host), port


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _asked(raw: bytes) -> KeyValues:
    """The parameters of a query that stands alone."""
    made: dict[str, list[AttributeValue]] = {}
    for pair in raw.split(b"&"):
        if b";" in pair:
            raise OttlError("invalid semicolon separator in query")
        if pair:
            key, _, value = pair.partition(b"=")
            made.setdefault(_text(_unescaped(key, "query")), []).append(_text(_unescaped(value, "query")))
    if not made:
        return KeyValues.EMPTY
    return KeyValues([("query", KeyValues((key, tuple(values)) for key, values in made.items()))])


@converter("URL", param("uri", "string", field="URI"))
def _url(uri: str) -> Value:
    if not uri:
        raise OttlError("url cannot be empty")
    raw = uri.encode()
    if raw.startswith(b"?"):
        return _asked(raw[1:])
    found = _split(raw)
    host, port = _host_and_port(found.host)
    made: dict[str, AttributeValue] = {
        "url.original": _text(found.written()),
        "url.domain": _text(host),
        "url.scheme": _text(found.scheme),
        "url.path": _text(found.path),
    }
    if port:
        number = bounded_int(port.decode())
        if number > _HIGH:
            raise OttlError("strconv.Atoi: value out of range")
        made["url.port"] = number
    if found.fragment:
        made["url.fragment"] = _text(found.fragment)
    if found.user is not None:
        made["url.user_info"] = _text(found.user_info)
        if found.user:
            made["url.username"] = _text(found.user)
        if found.password is not None:
            made["url.password"] = _text(found.password)
    if found.query:
        made["url.query"] = _text(found.query)
    _, dot, extension = found.path.rpartition(b".")
    if dot and extension:
        made["url.extension"] = _text(extension)
    return KeyValues(made.items())


PARSE_URL: Final[Function] = replace(_url, unreadable=frozenset({"url.port"}))
"""The parts of an address as a map."""
