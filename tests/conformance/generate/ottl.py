"""OTTL texts: conditions, values and statements of every context, for every function that the engine has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

__all__ = [
    "CONDITION_FUNCTIONS",
    "CONTEXTS",
    "STATEMENT_FUNCTIONS",
    "condition",
    "conditions_with",
    "statements_with",
]

CONTEXTS: Final = ("resource", "scope", "metric", "datapoint")
_KEYS: Final = ("a", "b", "state", "pid", "svc.name", "Path", "absent")


class Texts:
    """Draws texts for one context.

    Args:
        draw: hypothesis' draw.
        context: where they are used.
    """

    def __init__(self, draw: st.DrawFn, context: str) -> None:
        self.draw = draw
        self.context = context
        self.own_only = False
        """Whether only what the context itself owns may be written."""

    def pick(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    # -- paths -----------------------------------------------------------------------------------------------

    def map(self) -> str:
        options = ["resource.attributes"]
        if self.context != "resource":
            options.append("scope.attributes")
        if self.context == "metric":
            options.append("metric.metadata")
        if self.context == "datapoint":
            options += ["datapoint.attributes", "datapoint.attributes"]
        return self.pick(*options)

    def own_map(self) -> str:
        own = {
            "resource": "resource.attributes",
            "scope": "scope.attributes",
            "metric": "metric.metadata",
            "datapoint": "datapoint.attributes",
        }
        if self.own_only:
            return self.pick(own[self.context], f"{self.context}.cache")
        return self.pick(
            own[self.context], own[self.context], own[self.context], self.map(), f"{self.context}.cache"
        )

    def attribute(self, owner: str | None = None) -> str:
        return f'{owner or self.map()}["{self.pick(*_KEYS)}"]'

    def text_path(self) -> str:
        options = [self.attribute(), self.attribute()]
        if self.context != "resource":
            options += ["scope.name", "scope.version"]
        if self.context in {"metric", "datapoint"}:
            options += ["metric.name", "metric.unit", "metric.description"]
        return self.pick(*options)

    def number_path(self) -> str:
        options = [self.attribute(), "resource.dropped_attributes_count"]
        if self.context in {"metric", "datapoint"}:
            options += ["metric.type", "metric.aggregation_temporality"]
        if self.context == "datapoint":
            options += [
                "datapoint.value_int",
                "datapoint.value_double",
                "datapoint.value_int",
                "datapoint.value_double",
                "datapoint.flags",
                "datapoint.time_unix_nano",
                "datapoint.start_time_unix_nano",
                "datapoint.count",
                "datapoint.sum",
                "datapoint.scale",
                "datapoint.zero_count",
            ]
        return self.pick(*options)

    # -- values ----------------------------------------------------------------------------------------------

    def text(self) -> str:
        if self.draw(st.integers(0, 2)):
            return self.text_path()
        return self.pick('"a"', '"user"', '"postgres"', '"12"', '""', '"k"')

    def sure_text(self) -> str:
        """A text wherever it is evaluated."""
        return self.pick(
            '"a_bC d"', '"12"', '"user"', f'Concat([{self.attribute()}, {self.text_path()}], "-")'
        )

    def whole(self) -> str:
        return self.pick("0", "1", "2", "5", "12", "1000", "-3", "9223372036854775807")

    def fraction(self) -> str:
        return self.pick("0.0", "1.0", "2.5", "-3.75", "1000.0", "0.1")

    def number(self) -> str:
        made = self.pick(self.number_path(), self.number_path(), self.whole(), self.fraction())
        if self.draw(st.integers(0, 3)) == 0:
            op = self.pick("+", "-", "*", "/")
            made = f"({made} {op} {self.pick(self.number_path(), self.whole(), self.fraction())})"
        return made

    def literal(self) -> str:
        return self.pick(
            '"a"',
            '"user"',
            '"12"',
            "12",
            "1",
            "0",
            "1.0",
            "2.5",
            "true",
            "false",
            "nil",
            "0x01ff",
            '["a", 1]',
            '{"k": 1}',
        )

    def value(self) -> str:
        return self.pick(self.text_path(), self.number_path(), self.attribute(), self.literal())

    def time(self) -> str:
        if self.context == "datapoint":
            return self.pick("datapoint.time", "datapoint.start_time", "Unix(1700000000, 5)")
        return self.pick("Unix(1700000000)", "Unix(12, 999999999)")

    def span(self) -> str:
        return self.pick('Duration("1m")', 'Duration("1500ms")', 'Duration("2h3m")', 'Duration("7ns")')

    def list(self) -> str:
        return self.pick(self.attribute(), '["b", "a"]', "[3, 1, 2]", "[1.5, 1]", "Keys(resource.attributes)")

    # -- conditions ------------------------------------------------------------------------------------------

    def comparison(self) -> str:
        op = self.pick("==", "!=", "<", "<=", ">", ">=")
        if self.draw(st.booleans()):
            return f"{self.number()} {op} {self.pick(self.whole(), self.fraction(), self.number_path())}"
        return f"{self.value()} {self.pick('==', '!=', op)} {self.literal()}"

    def condition(self, depth: int = 2, atom: str | None = None) -> str:
        atom = self.comparison() if atom is None else atom
        if not depth or self.draw(st.integers(0, 2)) == 0:
            return atom
        other = self.condition(depth - 1)
        op = self.pick("and", "or")
        return self.pick(f"({atom} {op} {other})", f"({other} {op} {atom})", f"not ({atom}) {op} {other}")


# -- functions --------------------------------------------------------------------------------------------------------

Make = Callable[[Texts], str]


def _one(name: str, make: Callable[[Texts], str]) -> Make:
    return lambda t: f"{name}({make(t)})"


def _pair(name: str) -> Make:
    return lambda t: f"""{name}({t.text()}, {t.pick('"p"', '"a"', t.text())})"""


_DIGESTS: Final = (
    "FNV",
    "MD5",
    "SHA1",
    "SHA256",
    "SHA512",
    "Murmur3Hash",
    "Murmur3Hash128",
    "XXH3",
    "XXH128",
)
_PARTS: Final = ("Year", "Month", "Day", "Hour", "Minute", "Second", "Nanosecond", "Weekday")
_UNIX: Final = ("UnixNano", "UnixMicro", "UnixMilli", "UnixSeconds")
_SPANS: Final = ("Hours", "Minutes", "Seconds", "Milliseconds", "Microseconds", "Nanoseconds")
_KINDS: Final = ("IsString", "IsInt", "IsDouble", "IsBool", "IsMap", "IsList", "IsEmpty")
_CASES: Final = ("ToLowerCase", "ToUpperCase", "ToSnakeCase", "ToCamelCase")
_LAYOUTS: Final = (
    "%s",
    "%v-%s",
    "%d",
    "%5.2f|%q",
    "%x",
    "%+q|%+.3g",
    "% 6.1x|%X",
    "%-8.3s|% d",
    "%05t|%08.2f",
    "%.0v|%+b",
    "%o|%.2e",
)
_FORMATS: Final = ("%F %T", "%Y-%m-%dT%H:%M:%S%z", "%F %T,%f", "%D %r", "%c")
_BERLIN: Final = ', "Europe/Berlin"'
_LAZY: Final = ', mode="lazyQuotes"'
_IGNORING: Final = ', mode="ignoreQuotes"'
_FIELD: Final = '["y"]'
_UDP: Final = ', "UDP"'
_LEVELS: Final = (
    '{"low": [{"equals": ["a", "user"]}, {"range": {"min": 0, "max": 9}}], "high": [{"range": "2xx"}]}'
)
_GROK: Final = (
    "%{WORD:first} %{GREEDYDATA:rest}",
    "%{NUMBER:n:float}",
    "%{INT:n:int}",
    "%{WORD}[/.]%{DATA:d}$",
)
CONDITION_FUNCTIONS: Final[dict[str, Make]] = {
    **{name: _one(name, Texts.text) for name in _DIGESTS},
    **{name: _one(name, Texts.time) for name in (*_PARTS, *_UNIX)},
    **{name: _one(name, Texts.span) for name in _SPANS},
    **{name: _one(name, Texts.value) for name in (*_KINDS, "Len", "Hex", "String", "Bool")},
    **{name: _one(name, Texts.text) for name in (*_CASES, "Base64Decode", "IsValidLuhn")},
    **{name: _pair(name) for name in ("HasPrefix", "HasSuffix", "TrimPrefix", "TrimSuffix", "Split")},
    "Int": _one("Int", lambda t: t.pick(t.number(), t.value())),
    "Double": _one("Double", lambda t: t.pick(t.number(), t.value())),
    "Concat": lambda t: f'Concat([{t.value()}, {t.text()}], "{t.pick("", "-")}")',
    "ConvertCase": lambda t: f'ConvertCase({t.text()}, "{t.pick("lower", "upper", "snake", "camel")}")',
    "Substring": lambda t: f"Substring({t.text()}, {t.pick('0', '1', '2')}, {t.pick('1', '2', '4')})",
    "Trim": lambda t: t.pick(f"Trim({t.text()})", f'Trim({t.text()}, "a")'),
    "IsMatch": lambda t: f'IsMatch({t.value()}, "{t.pick("^a", "post.*", "[0-9]+$", "", "(?i)USER")}")',
    "Index": lambda t: t.pick(f'Index({t.text()}, "a")', f"Index({t.list()}, {t.literal()})"),
    "ContainsValue": lambda t: f"ContainsValue({t.list()}, {t.literal()})",
    "Coalesce": lambda t: f"Coalesce([{t.attribute()}, {t.attribute()}, {t.literal()}])",
    "Keys": lambda t: f"Len(Keys({t.map()}))",
    "Values": lambda t: f"Len(Values({t.map()}))",
    "Base64Encode": lambda t: (
        f"Base64Encode({t.text()}{t.pick('', ', ' + chr(34) + 'base64-raw-url' + chr(34))})"
    ),
    "Decode": lambda t: f'Decode({t.pick(t.text(), t.value())}, "{t.pick("base64", "base64-url", "utf-8")}")',
    "ParseJSON": lambda t: (
        f"Len(ParseJSON({t.pick(t.text(), chr(34) + '{}' + chr(34), chr(34) + '[1, 2.5]' + chr(34))}))"
    ),
    "ParseKeyValue": lambda t: f"Len(ParseKeyValue({t.text()}))",
    "ToKeyValueString": lambda t: f"ToKeyValueString({t.map()}, sort_output=true)",
    "ExtractPatterns": lambda t: f'Len(ExtractPatterns({t.text()}, "(?P<first>[a-z]+)(?P<rest>.*)"))',
    "ParseInt": lambda t: f"ParseInt({t.text()}, {t.pick('10', '16', '0', '2')})",
    "Log": lambda t: f"Int(Log({t.number()}))",
    "Sort": lambda t: f"Sort({t.list()}{t.pick('', ', ' + chr(34) + 'desc' + chr(34))})",
    "SliceToMap": lambda t: f"Len(SliceToMap({t.list()}))",
    "IsInCIDR": lambda t: f'IsInCIDR({t.text()}, ["10.0.0.0/8", "::1/128"])',
    "Format": lambda t: f'Format("{t.pick(*_LAYOUTS)}", [{t.text()}, {t.number()}])',
    "Duration": lambda t: f"Seconds({t.span()})",
    "TruncateTime": lambda t: f"UnixNano(TruncateTime({t.time()}, {t.span()}))",
    "Unix": lambda t: f"UnixNano(Unix({t.pick('0', '12', '1700000000')}))",
    # Here time is that of the payload and there that of the clock.
    "Now": lambda _t: "UnixNano(Now()) * 0",
    "Time": lambda t: (
        f'{t.pick("String", "UnixNano", "Hour")}(Time({t.text()}, "{t.pick(*_FORMATS)}"{t.pick("", _BERLIN)}))'
    ),
    "FormatTime": lambda t: f'FormatTime({t.time()}, "{t.pick(*_FORMATS, "%e|%l|%P|.%L|%Z %k %A %B")}")',
    "ParseCSV": lambda t: (
        f'ParseCSV({t.text()}, "x,y,z"{t.pick("", "", _LAZY, _IGNORING)}){t.pick("", _FIELD)}'
    ),
    "ParseSeverity": lambda t: f"ParseSeverity({t.value()}, {_LEVELS})",
    "CommunityID": lambda t: (
        f'CommunityID({t.text()}, {t.number()}, "10.0.0.2", 80{t.pick("", _UDP, ", seed=7")})'
    ),
    "URL": lambda t: f'URL({t.text()})["url.{t.pick("path", "domain", "original", "extension")}"]',
    "ExtractGrokPatterns": lambda t: f'Len(ExtractGrokPatterns({t.text()}, "{t.pick(*_GROK)}"))',
}
"""How a converter is called, by name."""

_BOOLEAN: Final = frozenset(
    (*_KINDS, "IsMatch", "HasPrefix", "HasSuffix", "ContainsValue", "IsValidLuhn", "IsInCIDR")
)


def _target(t: Texts) -> str:
    return f'{t.own_map()}["{t.pick("r", "a", "b", "state")}"]'


def _replacing(name: str) -> Make:
    def make(t: Texts) -> str:
        pattern = t.pick("^a(.*)$", "(?P<n>[a-z]+)", "[0-9]", "e|o", "")
        replacement = t.pick("x", "$1", "${n}!", "$$1", "<$0>")
        tail = t.pick("", "", ", SHA256", ", ToUpperCase")
        if name == "replace_pattern":
            return f'replace_pattern({_target(t) if t.own_only else t.pick(_target(t), t.text_path())}, "{pattern}", "{replacement}"{tail})'
        mode = t.pick("key", "value")
        if tail:
            # A digest of a digest of a shared key would grow with every row.
            t.own_only, before = True, t.own_only
            owner = t.own_map()
            t.own_only = before
            return f'replace_all_patterns({owner}, "{mode}", "{pattern}", "{replacement}"{tail})'
        return f'replace_all_patterns({t.own_map()}, "{mode}", "{pattern}", "{replacement}"{tail})'

    return make


def _writable(t: Texts) -> str:
    own = {
        "resource": ("resource.dropped_attributes_count", "resource.schema_url"),
        "scope": ("scope.name", "scope.version", "scope.schema_url"),
        "metric": (
            "metric.name",
            "metric.description",
            "metric.unit",
            "metric.aggregation_temporality",
            "metric.is_monotonic",
        ),
        "datapoint": (
            "datapoint.value_int",
            "datapoint.value_double",
            "datapoint.value_double",
            "datapoint.flags",
            "datapoint.time_unix_nano",
            "datapoint.count",
            "datapoint.sum",
            "metric.description",
            'resource.attributes["up"]',
        ),
    }
    return t.pick(*own[t.context])


def _set(t: Texts) -> str:
    if t.draw(st.integers(0, 3)) == 0:
        return f"set({_writable(t)}, {t.pick(t.number(), t.text(), t.literal())})"
    if t.context == "datapoint" and t.draw(st.integers(0, 3)) == 0:
        return f"set(datapoint.time, TruncateTime({t.time()}, {t.span()}))"
    if t.context == "datapoint" and t.draw(st.integers(0, 9)) == 0:
        return f"set(datapoint.{t.pick(*_LISTS)}, datapoint.{t.pick(*_LISTS)})"
    target = _target(t)
    # A map written into itself is filled while it is read.
    # A map written into another one that is shared would grow with every row.
    shared = t.context == "datapoint" and not target.startswith("datapoint.")
    whole = [name for name in (t.map(),) if not target.startswith(name) and not shared]
    return f"set({target}, {t.pick(t.value(), t.number(), *whole)})"


_EDITORS: Final[dict[str, Make]] = {
    "set": _set,
    "delete_key": lambda t: f'delete_key({t.own_map()}, "{t.pick(*_KEYS)}")',
    "delete_matching_keys": lambda t: f'delete_matching_keys({t.own_map()}, "{t.pick("^a$", "s", "[0-9]")}")',
    "keep_keys": lambda t: (
        f"keep_keys({t.own_map()}, {t.pick('[]', '[' + chr(34) + 'a' + chr(34) + ', ' + chr(34) + 'pid' + chr(34) + ']')})"
    ),
    "keep_matching_keys": lambda t: f'keep_matching_keys({t.own_map()}, "{t.pick("^s", "a|b", "x")}")',
    "limit": lambda t: (
        f"limit({t.own_map()}, {t.pick('1', '2')}, {t.pick('[]', '[' + chr(34) + 'pid' + chr(34) + ']')})"
    ),
    "truncate_all": lambda t: f"truncate_all({t.own_map()}, {t.pick('0', '1', '3', '5')})",
    "stringify_all": lambda t: f"stringify_all({t.own_map()})",
    "merge_maps": lambda t: (
        f'merge_maps({t.own_map()}, {t.pick(t.map(), "{" + chr(34) + "m" + chr(34) + ": 1}")}, "{t.pick("insert", "update", "upsert")}")'
    ),
    "flatten": lambda t: (
        f"flatten({t.own_map()}{t.pick('', ', ' + chr(34) + 'p' + chr(34), ', depth=1', ', resolve_conflicts=true')})"
    ),
    "append": lambda t: f"append({_target(t)}, {t.pick(t.text(), t.whole())})",
    "delete_index": lambda t: (
        f"delete_index({t.attribute(t.own_map())}, {t.pick('0', '1')}{t.pick('', ', 2')})"
    ),
    "replace_pattern": _replacing("replace_pattern"),
    "replace_all_patterns": _replacing("replace_all_patterns"),
    "replace_match": lambda t: (
        f'replace_match({_target(t) if t.own_only else t.pick(_target(t), t.text_path())}, "{t.pick("a*", "*", "user", "?b", "{user,a}")}", "{t.pick("x", "$1")}")'
    ),
    "replace_all_matches": lambda t: (
        f'replace_all_matches({t.own_map()}, "{t.pick("a*", "*s*", "[a-u]*")}", "new")'
    ),
}
_SUFFIX: Final = ', ".p"'
_LISTS: Final = ("exemplars", "quantile_values", "positive", "negative")
_METRIC: Final[dict[str, Make]] = {
    "convert_sum_to_gauge": lambda _t: "convert_sum_to_gauge()",
    "convert_gauge_to_sum": lambda t: (
        f'convert_gauge_to_sum("{t.pick("delta", "cumulative")}", {t.pick("true", "false")})'
    ),
    "copy_metric": lambda t: (
        f'copy_metric(name=Concat([metric.name, "copy"], "."){t.pick("", ", unit=" + chr(34) + "u" + chr(34))}) where not IsMatch(metric.name, "copy$")'
    ),
    "extract_sum_metric": lambda t: f"extract_sum_metric({t.pick('true', 'false')})",
    "extract_count_metric": lambda t: (
        f"extract_count_metric({t.pick('true', 'false')}{t.pick('', ', ' + chr(34) + '.n' + chr(34))})"
    ),
    # The percentiles of exponential histograms depend on the machine in their last digits.
    "extract_percentile_metric": lambda t: (
        f"extract_percentile_metric({t.pick('50.0', '99.0', '0.5')}{t.pick('', _SUFFIX)}) "
        "where metric.type == METRIC_DATA_TYPE_HISTOGRAM"
    ),
    "scale_metric": lambda t: (
        f"scale_metric({t.pick('2.0', '0.001', '1000.0')}{t.pick('', ', ' + chr(34) + 'k' + chr(34))})"
    ),
    "aggregate_on_attributes": lambda t: (
        f'aggregate_on_attributes("{t.pick("sum", "mean", "min", "max", "median", "count")}"{t.pick("", ", []", ", [" + chr(34) + "a" + chr(34) + "]")})'
    ),
    "aggregate_on_attribute_value": lambda t: (
        f'aggregate_on_attribute_value("{t.pick("sum", "max", "count")}", "state", ["user", "a", ""], "all")'
    ),
    "convert_summary_quantile_val_to_gauge": lambda t: (
        f"convert_summary_quantile_val_to_gauge({t.pick('', chr(34) + 'q' + chr(34))})"
    ),
    "convert_exponential_histogram_to_histogram": lambda t: (
        f'convert_exponential_histogram_to_histogram("{t.pick("upper", "midpoint", "uniform")}", [0.3, 1.7, 5.5, 11.0])'
    ),
}
_POINT: Final[dict[str, Make]] = {
    "convert_summary_sum_val_to_sum": lambda t: (
        f'convert_summary_sum_val_to_sum("{t.pick("delta", "cumulative")}", true)'
    ),
    "convert_summary_count_val_to_sum": lambda t: (
        f'convert_summary_count_val_to_sum("cumulative", {t.pick("true", "false")}, ".c")'
    ),
    "merge_histogram_buckets": lambda t: (
        f"merge_histogram_buckets({t.pick('1.0', '5.0')}{t.pick('', ', ' + chr(34) + 'limit_buckets' + chr(34))})"
    ),
}
STATEMENT_FUNCTIONS: Final[dict[str, Make]] = {**_EDITORS, **_METRIC, **_POINT}
"""How an editor is called, by name."""
RANDOM_ORDER: Final = frozenset({"aggregate_on_attributes", "aggregate_on_attribute_value"})
"""Editors behind which the order of points is random."""


def _atom(t: Texts, focus: str) -> str:
    made = CONDITION_FUNCTIONS[focus](t)
    if focus in _BOOLEAN:
        return made
    return f"{made} {t.pick('==', '!=', '<', '>=')} {t.pick(t.literal(), t.value())}"


@st.composite
def condition(draw: st.DrawFn, context: str, focus: str = "") -> str:
    """A condition in which every path names its context, with one function in it."""
    t = Texts(draw, context)
    return t.condition(2, _atom(t, focus) if focus else None)


def contexts_of(focus: str) -> tuple[str, ...]:
    """The contexts that have a function."""
    if focus in _METRIC:
        return ("metric",)
    return ("datapoint",) if focus in _POINT else CONTEXTS


@st.composite
def conditions_with(draw: st.DrawFn, context: str, focus: str = "") -> list[str]:
    """Conditions of which one uses a function."""
    more = draw(st.lists(condition(context), max_size=2))
    return [draw(condition(context, focus)), *more]


@st.composite
def statements_with(draw: st.DrawFn, context: str, focus: str = "") -> list[str]:
    """Statements of which one uses a function."""
    t = Texts(draw, context)
    # What changes whole metrics may not stand beside what writes to a resource: the engine refuses that.
    t.own_only = focus in _METRIC
    made = [
        _with_where(t, _EDITORS[draw(st.sampled_from(sorted(_EDITORS)))](t))
        for _ in range(draw(st.integers(0, 2)))
    ]
    if focus in STATEMENT_FUNCTIONS:
        chosen = _with_where(t, STATEMENT_FUNCTIONS[focus](t))
    elif focus:
        chosen = _with_where(t, f"set({_target(t)}, {CONDITION_FUNCTIONS[focus](t)})")
    else:
        chosen = _with_where(t, _set(t))
    # Behind an aggregation the order of points is random, so that nothing may follow it.
    return [*made, chosen]


def _with_where(t: Texts, text: str) -> str:
    if " where " in text:
        return text
    return f"{text} where {t.condition(1)}" if t.draw(st.booleans()) else text
