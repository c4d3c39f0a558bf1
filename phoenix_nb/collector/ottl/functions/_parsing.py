"""Functions that take texts, lists and maps apart and put them together."""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Callable
from typing import Any, Final

from phoenix_nb.collector._values import format_float, text_of
from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, converter, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._runtime import Counts, GoList, OttlError, Uniform, Value, kind_of, plain_list
from phoenix_nb.collector.ottl.functions._format import format_text
from phoenix_nb.collector.ottl.functions._text import dynamic_pattern
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = ["PARSING"]

Run = Callable[[Item], Value]


# -- JSON -------------------------------------------------------------------------------------------------------------


def _constant(name: str) -> Any:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _number(text: str) -> float:
    made = float(text)
    if math.isinf(made):
        raise ValueError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return made


@converter("ParseJSON", param("target", "string"))
def _parse_json(target: str) -> Value:
    try:
        made = json.loads(target, parse_int=_number, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError) as exc:
        raise OttlError(str(exc)) from exc
    if not isinstance(made, (dict, list)):
        kind = {str: "string", float: "float64", bool: "bool"}.get(type(made), "<nil>")
        raise OttlError(f"could not convert parsed value of type {kind} to JSON object")
    return _from_json(made)


def _from_json(node: Any) -> AttributeValue:
    if isinstance(node, dict):
        return KeyValues((_whole(key), _from_json(value)) for key, value in node.items())
    if isinstance(node, list):
        return tuple(_from_json(item) for item in node)
    return _whole(node) if isinstance(node, str) else node


def _whole(text: str) -> str:
    """Text without halves of surrogate pairs."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# -- pairs ------------------------------------------------------------------------------------------------------------


def _delimiters(delimiter: str | None, pair_delimiter: str | None) -> tuple[str, str]:
    if delimiter == "":
        raise ValueError("delimiter cannot be set to an empty string")
    if pair_delimiter == "":
        raise ValueError("pair delimiter cannot be set to an empty string")
    one, two = delimiter or "=", pair_delimiter or " "
    if one == two:
        raise ValueError(f"pair delimiter {quote(two)} cannot be equal to delimiter {quote(one)}")
    return one, two


def _parse_key_value(target: Getter, delimiter: str | None = None, pair_delimiter: str | None = None) -> Run:
    inner, outer = _delimiters(delimiter, pair_delimiter)

    def evaluate(item: Item) -> Value:
        source = str(target.get(item))
        if not source:
            raise OttlError("cannot parse from empty target")
        made: dict[str, AttributeValue] = {}
        errors: list[str] = []
        for pair in _split_quoted(source, outer):
            key, found, value = pair.partition(inner)
            if found:
                made[key.strip()] = value.strip()
            else:
                errors.append(f"cannot split {quote(pair)} into 2 items, got 1 item(s)")
        if errors:
            raise OttlError(f"failed to split pairs into key-values: {'; '.join(errors)}")
        return KeyValues(made.items())

    return evaluate


def _split_quoted(text: str, delimiter: str) -> list[str]:
    made: list[str] = []
    current = ""
    mark = ""
    escaped = False
    at = 0
    while at < len(text):
        if not mark and text.startswith(delimiter, at):
            if current:
                made.append(current)
                current = ""
            at += len(delimiter)
            continue
        letter = text[at]
        at += 1
        if not escaped:
            if not mark and letter in "\"'":
                mark = letter
                continue
            if letter == mark:
                mark = ""
                continue
            escaped = letter == "\\"
        else:
            escaped = False
        current += letter
    if mark:
        raise OttlError(
            f"splitting source {quote(text)} into pairs failed: never reached the end of a quoted value"
        )
    return [*made, current] if current else made


def _to_key_value_string(
    target: Getter,
    delimiter: str | None = None,
    pair_delimiter: str | None = None,
    sort_output: bool | None = None,
) -> Run:
    inner, outer = _delimiters(delimiter, pair_delimiter)

    def shown(text: str) -> str:
        text = text.replace('"', '\\"')
        return f'"{text}"' if outer in text or inner in text else text

    def evaluate(item: Item) -> Value:
        found = target.get(item)
        assert isinstance(found, KeyValues)  # noqa: S101 - the getter insists
        # Go sorts by bytes, which for UTF-8 is the order of code points.
        pairs = sorted(found.items(), key=lambda pair: pair[0]) if sort_output else found.items()
        return outer.join(f"{shown(key)}{inner}{shown(text_of(value))}" for key, value in pairs)

    return evaluate


# -- patterns ---------------------------------------------------------------------------------------------------------


def _extract_patterns(target: Getter, pattern: Getter) -> Run:
    find = dynamic_pattern("ExtractPatterns", pattern)

    def evaluate(item: Item) -> Value:
        compiled = find(item)
        names = compiled.names
        if not any(names):
            raise OttlError("at least 1 named capture group must be supplied in the given regex")
        groups = compiled.groups(str(target.get(item)))
        if groups is None:
            return KeyValues.EMPTY
        made = {name: text for name, text in zip(names[1:], groups[1:], strict=True) if name}
        return KeyValues(made.items())

    return evaluate


# -- numbers ----------------------------------------------------------------------------------------------------------


@converter("ParseInt", param("target", "string"), param("base", "int"))
def _parse_int(target: str, base: int) -> Value:
    if not target:
        raise OttlError("invalid target value for ParseInt function, target cannot be empty")
    if base < 0:
        raise OttlError(f"invalid base value: {base} for ParseInt function, base cannot be negative")
    shown = quote(target)
    if base == 1 or base > 36:
        raise OttlError(f"strconv.ParseInt: parsing {shown}: invalid base {base}")
    digits = target[1:] if target[0] in "+-" else target
    wrong = not digits or not digits.isascii() or digits != digits.strip() or digits[0] in "+-"
    if wrong or (base != 0 and "_" in digits) or len(digits) > 100:
        raise OttlError(f"strconv.ParseInt: parsing {shown}: invalid syntax")
    if base == 0 and len(digits) > 1 and digits[0] == "0" and digits[1] not in "xXbBoO":
        digits = f"0o{digits[1:].lstrip('_')}"
    prefix = digits[:2].lower()
    if base in {2, 8, 16} and prefix == {2: "0b", 8: "0o", 16: "0x"}[base]:
        raise OttlError(f"strconv.ParseInt: parsing {shown}: invalid syntax")
    try:
        made = int(digits, base)
    except ValueError as exc:
        raise OttlError(f"strconv.ParseInt: parsing {shown}: invalid syntax") from exc
    made = -made if target[0] == "-" else made
    if not -(1 << 63) <= made < 1 << 63:
        raise OttlError(f"strconv.ParseInt: parsing {shown}: value out of range")
    return made


@converter("Log", param("target", "float_like"))
def _log(target: float | None) -> Value:
    if target is None:
        raise OttlError("invalid input: <nil>")
    if target <= 0:
        raise OttlError(f"invalid input: expected number greater than zero but got {format_float(target)}")
    return math.log(target)


# -- lists ------------------------------------------------------------------------------------------------------------


def _sort(target: Getter, order: str | None = None) -> Run:
    if order not in {None, "asc", "desc"}:
        raise ValueError(f'invalid arguments: {order}. Order should be either "asc" or "desc"')
    down = order == "desc"

    def evaluate(item: Item) -> Value:
        found = target.get(item)
        if not isinstance(found, tuple):
            raise OttlError(f"sort with unsupported type: '{kind_of(found)}'. Target is not a list")
        if isinstance(found, Counts):
            raise OttlError(f"sort with unsupported type: '{kind_of(found)}'")
        kind = type(found) if isinstance(found, Uniform) else GoList
        found = plain_list(found)
        if not found or any(isinstance(value, (bytes, tuple, KeyValues)) for value in found):
            return found
        if any(value is None or isinstance(value, (str, bool)) for value in found):
            # Text is compared by its bytes.
            return kind(sorted(found, key=lambda value: text_of(value).encode(), reverse=down))
        return kind(sorted(found, key=_place, reverse=down))

    return evaluate


def _place(value: Any) -> tuple[bool, Any]:
    # NaN comes before every number.
    return (not (isinstance(value, float) and math.isnan(value)), 0 if value != value else value)


def _slice_to_map(
    target: Getter, key_path: tuple[str, ...] | None = None, value_path: tuple[str, ...] | None = None
) -> Run:
    def evaluate(item: Item) -> Value:
        found = target.get(item)
        assert isinstance(found, tuple)  # noqa: S101 - the getter insists
        made: dict[str, AttributeValue] = {}
        for at, entry in enumerate(found):
            key: AttributeValue = str(at)
            value = entry
            if key_path is not None or value_path is not None:
                if not isinstance(entry, KeyValues):
                    raise OttlError(
                        "slice elements must be maps when using `key_path` or `value_path`, but could not cast "
                        f"element of type `{kind_of(entry)}` to a map"
                    )
                if key_path is not None:
                    key = _at(entry, key_path, f"could not extract key from element {at}")
                if value_path is not None:
                    value = _at(entry, value_path, f"could not extract value from element {at}")
            if not isinstance(key, str):
                raise OttlError(
                    f"element {at}: extracted key attribute is not of type string, got {quote(kind_of(key))}"
                )
            made[key] = value
        return KeyValues(made.items())

    return evaluate


def _at(entry: KeyValues, path: tuple[str, ...], what: str) -> AttributeValue:
    if not path:
        raise OttlError(f"{what}: must provide at least one path item")
    value: AttributeValue = entry
    for key in path:
        if not isinstance(value, KeyValues) or key not in value:
            raise OttlError(f"{what}: provided object does not contain the path [{' '.join(path)}]")
        value = value.get(key)
    return value


# -- networks ---------------------------------------------------------------------------------------------------------


def _network(text: str) -> Any:
    message = f"invalid CIDR address: {text}"
    if "/" not in text:  # an address alone is a network to Python; the collector asks for a prefix length
        raise ValueError(message)
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as exc:
        raise ValueError(message) from exc


def _is_in_cidr(target: Getter, networks: tuple[Getter, ...]) -> Run:
    literal = [_network(str(getter.get(Item()))) for getter in networks if getter.constant]

    def evaluate(item: Item) -> Value:
        try:
            address: Any = ipaddress.ip_address(str(target.get(item)))
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        known = literal
        if len(literal) < len(networks):
            try:
                known = [_network(str(getter.get(item))) for getter in networks]
            except ValueError as exc:
                raise OttlError(str(exc)) from exc
        return any(address.version == network.version and address in network for network in known)

    return evaluate


def _format(format: str, vals: tuple[Getter, ...]) -> Run:  # noqa: A002 - the parameter's name for users
    format_text(format, [None] * len(vals), check=True)

    def evaluate(item: Item) -> Value:
        return format_text(format, [getter.get(item) for getter in vals])

    return evaluate


_PAIRS: Final = (
    param("delimiter", "text", optional=True),
    param("pair_delimiter", "text", optional=True),
)
PARSING: Final[tuple[Function, ...]] = (
    _parse_json,
    Function("ParseKeyValue", (param("target", "string"), *_PAIRS), _parse_key_value),
    Function(
        "ToKeyValueString",
        (param("target", "map"), *_PAIRS, param("sort_output", "flag", optional=True)),
        _to_key_value_string,
    ),
    Function("ExtractPatterns", (param("target", "string"), param("pattern", "string")), _extract_patterns),
    _parse_int,
    _log,
    Function("Sort", (param("target", "any"), param("order", "text", optional=True)), _sort),
    Function(
        "SliceToMap",
        (
            param("target", "slice"),
            param("key_path", "text", optional=True, many=True),
            param("value_path", "text", optional=True, many=True),
        ),
        _slice_to_map,
    ),
    Function("IsInCIDR", (param("target", "string"), param("networks", "string", many=True)), _is_in_cidr),
    Function("Format", (param("format", "text"), param("vals", "any", many=True)), _format),
)
"""Every function that takes apart and puts together."""
