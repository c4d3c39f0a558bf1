"""Functions over text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from phoenix_nb.collector._regexp import Regexp, RegexpError, compile_regexp
from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, converter, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._lookups import Bulk
from phoenix_nb.collector.ottl._runtime import OttlError, Strings, Value

__all__ = ["TEXT_FUNCTIONS", "dynamic_pattern", "to_camel", "to_snake"]


def dynamic_pattern(function: str, getter: Getter) -> Callable[[Item], Regexp]:
    """The pattern of a call: compiled now when it is a literal, otherwise per item.

    Raises:
        ValueError: a literal that is not a pattern.
    """
    if getter.constant:
        text = str(getter.get(Item()))
        try:
            compiled = compile_regexp(text)
        except RegexpError as exc:
            raise ValueError(
                f"the regex pattern supplied to {function} '{quote(text)}' is not a valid pattern: {exc}"
            ) from exc
        return lambda _item: compiled

    def find(item: Item) -> Regexp:
        try:
            return compile_regexp(str(getter.get(item)))
        except RegexpError as exc:
            raise OttlError(str(exc)) from exc

    return find


def _is_match(target: Getter, pattern: Getter) -> Callable[[Item], Value]:
    find = dynamic_pattern("IsMatch", pattern)

    def evaluate(item: Item) -> Value:
        compiled = find(item)
        text = target.get(item)
        return isinstance(text, str) and compiled.search(text)

    return evaluate


def _is_match_bulk(target: Getter, pattern: Getter) -> Bulk | None:
    if target.bulk is None or not pattern.constant:
        return None
    read, compiled = target.bulk.values, compile_regexp(str(pattern.get(Item())))
    return Bulk(target.bulk.axis, lambda entries: compiled.search_all(read(entries)))


@converter("Concat", param("vals", "string_like", many=True), param("delimiter", "string"))
def _concat(vals: list[str | None], delimiter: str) -> Value:
    return delimiter.join("<nil>" if value is None else value for value in vals)


@converter("ToLowerCase", param("target", "string"))
def _lower(target: str) -> Value:
    return target.lower()


@converter("ToUpperCase", param("target", "string"))
def _upper(target: str) -> Value:
    return go_upper(target)


def go_upper(text: str) -> str:
    """Capitals letter by letter, as Go makes them: ß stays."""
    return "".join(made if len(made := letter.upper()) == 1 else letter for letter in text)


_ACRONYMS: Final = {"ID": "id"}


def to_snake(text: str) -> str:
    """Words joined by underscores, in small letters."""
    return "".join(c.lower() if c.isascii() else c for c in _delimited(text.strip(), "_"))


def _delimited(text: str, mark: str) -> str:
    made: list[str] = []
    for at, letter in enumerate(text):
        upper, lower, digit = "A" <= letter <= "Z", "a" <= letter <= "z", "0" <= letter <= "9"
        if at + 1 < len(text):
            after = text[at + 1]
            next_upper, next_lower = "A" <= after <= "Z", "a" <= after <= "z"
            next_digit = "0" <= after <= "9"
            if (
                (upper and (next_lower or next_digit))
                or (lower and (next_upper or next_digit))
                or (digit and (next_upper or next_lower))
            ):
                if upper and next_lower:
                    before_upper = at > 0 and "A" <= text[at - 1] <= "Z"
                    if before_upper:
                        made.append(mark)
                made.append(letter)
                if lower or digit or next_digit:
                    made.append(mark)
                continue
        made.append(mark if letter in " _-." else letter)
    return "".join(made)


def to_camel(text: str) -> str:
    """Words joined, each with a capital."""
    text = text.strip()
    text = _ACRONYMS.get(text, text)
    made: list[str] = []
    acronym = text in _ACRONYMS.values()
    capital, after_capital = True, False
    for letter in text:
        upper, lower, digit = "A" <= letter <= "Z", "a" <= letter <= "z", "0" <= letter <= "9"
        if capital:
            shown = letter.upper() if lower else letter
        else:
            # Of several capitals in a row only the first one stays.
            shown = letter.lower() if after_capital and upper and not acronym else letter
        after_capital = upper
        if upper or lower or digit:
            made.append(shown)
            capital = digit
        else:
            capital = letter in "_ -."
    return "".join(made)


_CASES: Final[dict[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "upper": go_upper,
    "snake": to_snake,
    "camel": to_camel,
}


def _convert_case(target: Getter, to_case: str) -> Callable[[Item], Value]:
    if to_case not in _CASES:
        raise ValueError(f"invalid case: {to_case}, allowed cases are: lower, upper, snake, camel")
    convert = _CASES[to_case]

    def evaluate(item: Item) -> Value:
        text = str(target.get(item))
        return convert(text) if text else text

    return evaluate


def _substring(
    target: Getter, start: Getter, length: Getter, utf8_safe: bool | None = None
) -> Callable[[Item], Value]:
    def evaluate(item: Item) -> Value:
        first = start.get(item)
        assert isinstance(first, int)  # noqa: S101 - the getter insists
        if first < 0:
            raise OttlError(f"invalid start for substring function, {first} cannot be negative")
        size = length.get(item)
        assert isinstance(size, int)  # noqa: S101 - the getter insists
        if size <= 0:
            raise OttlError(f"invalid length for substring function, {size} cannot be negative or zero")
        raw = str(target.get(item)).encode()
        if first > len(raw) or size > len(raw) - first:
            raise OttlError(
                f"invalid range for substring function, start({first})+length({size}) cannot be greater than the "
                f"length of target string({len(raw)})"
            )
        return _cut(raw, first, first + size, safe=bool(utf8_safe))

    return evaluate


def _cut(raw: bytes, start: int, end: int, *, safe: bool) -> str:
    if safe:
        while start < len(raw) and raw[start] & 0xC0 == 0x80:
            start += 1
        while start < end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        end = max(end, start)
    # A cut inside a letter leaves bytes that are not UTF-8; they become the replacement character.
    return raw[start:end].decode(errors="replace")


@converter("HasPrefix", param("target", "string"), param("prefix", "string"))
def _has_prefix(target: str, prefix: str) -> Value:
    return target.startswith(prefix)


@converter("HasSuffix", param("target", "string"), param("suffix", "string"))
def _has_suffix(target: str, suffix: str) -> Value:
    return target.endswith(suffix)


@converter("TrimPrefix", param("target", "string"), param("prefix", "string"))
def _trim_prefix(target: str, prefix: str) -> Value:
    return target.removeprefix(prefix)


@converter("TrimSuffix", param("target", "string"), param("suffix", "string"))
def _trim_suffix(target: str, suffix: str) -> Value:
    return target.removesuffix(suffix)


@converter("Trim", param("target", "string"), param("replacement", "text", optional=True))
def _trim(target: str, replacement: str | None) -> Value:
    marks = " " if replacement is None else replacement
    return target.strip(marks) if marks else target


@converter("Split", param("target", "string"), param("delimiter", "string"))
def _split(target: str, delimiter: str) -> Value:
    return Strings(target.split(delimiter) if delimiter else target)


@converter("ToSnakeCase", param("target", "string"))
def _to_snake_case(target: str) -> Value:
    return to_snake(target)


@converter("ToCamelCase", param("target", "string"))
def _to_camel_case(target: str) -> Value:
    return to_camel(target)


@converter("IsValidLuhn", param("target", "string_like"))
def _luhn(target: str | None) -> Value:
    if target is None:
        raise OttlError("invalid input: <nil>")
    digits = target.replace(" ", "")
    if not digits:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        if not "0" <= digit <= "9":
            raise OttlError(f"strconv.Atoi: parsing {quote(digit)}: invalid syntax")
        number = int(digit) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


TEXT_FUNCTIONS: Final[tuple[Function, ...]] = (
    Function(
        "IsMatch",
        (param("target", "string_like"), param("pattern", "string")),
        _is_match,
        bulk=_is_match_bulk,
    ),
    _concat,
    _lower,
    _upper,
    Function("ConvertCase", (param("target", "string"), param("to_case", "text")), _convert_case),
    Function(
        "Substring",
        (
            param("target", "string"),
            param("start", "int"),
            param("length", "int"),
            param("utf8_safe", "flag", optional=True),
        ),
        _substring,
    ),
    _has_prefix,
    _has_suffix,
    _trim,
    _trim_prefix,
    _trim_suffix,
    _split,
    _to_snake_case,
    _to_camel_case,
    _luhn,
)
"""Every function over text."""
