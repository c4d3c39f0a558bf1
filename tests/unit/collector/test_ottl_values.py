"""Values of OTTL converters: each row is what the real processors gave."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.collector.running import TIME, key_values, payload_of, run_processor

_SHORT = {
    "$in": 'datapoint.attributes["in"]',
    "$levels": (
        '{"error": [{"equals": ["err", "a"]}, {"range": {"min": 3, "max": 6}}], "info": [{"range": "4xx"}]}'
    ),
}
"""What stands for longer texts in the expressions."""
_VALUES: list[tuple[str, object, object]] = [
    ('String(Time($in, "%F %T"))', "2023-5-6 7:8:9", '"2023-05-06T07:08:09Z"'),
    ('String(Time($in, "%F %T"))', "2023-05-06 07:08:09.5", '"2023-05-06T07:08:09.5Z"'),
    ('String(Time($in, "%F %T"))', "2023-02-30 07:08:09", None),
    ('String(Time($in, "%F %T.%L"))', "2023-05-06 07:08:09.123456789", '"2023-05-06T07:08:09.123456789Z"'),
    ('String(Time($in, "%F %T%z"))', "2023-05-06 07:08:09+02:00", '"2023-05-06T07:08:09+02:00"'),
    ('String(Time($in, "%F %T %z"))', "2023-05-06 07:08:09 -07", '"2023-05-06T07:08:09-07:00"'),
    ('String(Time($in, "%F %T %Z"))', "2023-05-06 07:08:09 CET", '"2023-05-06T08:08:09+02:00"'),
    ('String(Time($in, "%F %T %Z"))', "2023-05-06 07:08:09 GMT+3", '"2023-05-06T10:08:09+03:00"'),
    ('String(Time($in, "%F %T %Z"))', "2023-05-06 07:08:09 PST", None),
    ('String(Time($in, "%c"))', "Sat May  6 07:08:09 2023", '"2023-05-06T07:08:09Z"'),
    ('String(Time($in, "%b %d, %y %l:%M %P"))', "may 06, 23 12:04 am", '"2023-05-06T00:04:00Z"'),
    ('String(Time($in, "%D"))', "5/6/23", '"2023-05-06T00:00:00Z"'),
    ('String(Time($in, "%x"))', "05/06/2023", '"2023-05-06T00:00:00Z"'),
    ('String(Time($in, "%A %Y"))', "Friday 1999", '"1999-01-01T00:00:00Z"'),
    ('String(Time($in, "%F %T", "Europe/Berlin"))', "2024-03-31 02:30:00", '"2024-03-31T03:30:00+02:00"'),
    ('String(Time($in, "%F %T", "Europe/Berlin"))', "2024-10-27 02:30:00", '"2024-10-27T02:30:00+01:00"'),
    ('String(Time($in, "%F %T", "America/New_York"))', "2024-07-01 00:00:00", '"2024-07-01T00:00:00-04:00"'),
    ('String(Time($in, "%F %T", "Asia/Kolkata"))', "1500-01-01 00:00:00", '"1500-01-01T00:00:00+05:53"'),
    ('Hour(Time($in, "%F %T", "Asia/Tokyo") + Duration("5000h"))', "2024-03-31 02:30:00", 10),
    ('UnixNano(Time($in, "%F %T %Z", "America/New_York"))', "2023-05-06 07:08:09 EST", 1683374889000000000),
    (
        'FormatTime(Time($in, "%F %T", "America/St_Johns"), "%e|%l|%P|.%L|%Z|%z|%w|%k")',
        "2024-03-03 13:04:05",
        " 3|1|pm||NST|-0330|-033000|-03:30:00",
    ),
    (
        'FormatTime(Time($in, "%F %T%z"), "%Z %i %A %B")',
        "2024-03-03 13:04:05+05:30",
        "+0530 +05 Sunday March",
    ),
    (
        'FormatTime(datapoint.time, "%F %T.%L %r,%s %c")',
        "",
        "2023-11-14 22:13:20.123 10:13:20 pm,123456789 Tue Nov 14 22:13:20 2023",
    ),
    ('FormatTime(datapoint.time, "%Y Jan Monday")', "", "2023 Nov Tuesday"),
    (
        'Format("%q", [$in])',
        "a\0\a\b\f\v\"'\\\xa0\xe9\u2028\U000e0001\x7f",
        '"a\\x00\\a\\b\\f\\v\\"\'\\\\\\u00a0\xe9\\u2028\\U000e0001\\x7f"',
    ),
    *(
        (f'Format("%q", [{code}])', "", shown)
        for code, shown in (
            (0, r"'\x00'"),
            (7, r"'\a'"),
            (34, "'\"'"),
            (39, r"'\''"),
            (160, r"'\u00a0'"),
            (233, "'\xe9'"),
            (0xD800, "'\ufffd'"),
            (0xE0001, r"'\U000e0001'"),
            (0x110000, "'\ufffd'"),
            (-1, "'\ufffd'"),
        )
    ),
    ('ParseCSV($in, "x,y,z", mode="strict")', '"a","b""c",d', {"x": "a", "y": 'b"c', "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="strict")', 'a,"b\nc",d', {"x": "a", "y": "b\nc", "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="strict")', "a,b\nc,d", {"x": "a", "y": "b\nc", "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="strict")', 'a"x,"b"c,d', None),
    ('ParseCSV($in, "x,y,z", mode="strict")', "a,b", None),
    ('ParseCSV($in, "x,y,z", mode="lazyQuotes")', '"a","b""c",d', {"x": "a", "y": 'b"c', "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="lazyQuotes")', 'a,"b\nc",d', {"x": "a", "y": "b\nc", "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="lazyQuotes")', "a,b\nc,d", {"x": "a", "y": "b\nc", "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="lazyQuotes")', 'a"x,"b"c,d', None),
    ('ParseCSV($in, "x,y,z", mode="lazyQuotes")', "a,b", None),
    ('ParseCSV($in, "x,y,z", mode="ignoreQuotes")', '"a","b""c",d', {"x": '"a"', "y": '"b""c"', "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="ignoreQuotes")', 'a,"b\nc",d', {"x": "a", "y": '"b\nc"', "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="ignoreQuotes")', "a,b\nc,d", {"x": "a", "y": "b\nc", "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="ignoreQuotes")', 'a"x,"b"c,d', {"x": 'a"x', "y": '"b"c', "z": "d"}),
    ('ParseCSV($in, "x,y,z", mode="ignoreQuotes")', "a,b", None),
    ('ParseCSV($in, "x|y", ";", "|")', "1;2", {"x": "1", "y": "2"}),
    ('ParseCSV($in, "x,y")', "", None),
    (
        "ParseSeverity($in, $levels)",
        "a",
        "error",
    ),
    (
        "ParseSeverity($in, $levels)",
        5,
        "error",
    ),
    (
        "ParseSeverity($in, $levels)",
        404,
        "info",
    ),
    (
        "ParseSeverity($in, $levels)",
        7,
        None,
    ),
    (
        "ParseSeverity($in, $levels)",
        1.5,
        None,
    ),
    (
        "ParseSeverity($in, $levels)",
        "x",
        None,
    ),
    ('CommunityID($in, 80, "10.0.0.2", 1234)', "10.0.0.1", "1:6jsMNrrK5x9aQvOR/8K09jNUtsM="),
    ('CommunityID($in, 80, "10.0.0.2", 1234, "UDP", 7)', "192.168.1.1", "1:5+xJfF3jrZGmZ7yFQ5Czj69nrYA="),
    (
        'CommunityID($in, 80, "2001:db8::1", 80, protocol="ICMP6")',
        "::ffff:1.2.3.4",
        "1:6VptVIjcDi1+3ERrtqikUj8/GjI=",
    ),
    ('CommunityID($in, 80, "10.0.0.2", 1)', "01.2.3.4", None),
    ('CommunityID($in, 80, "10.0.0.2", 1, "QUIC")', "1.2.3.4", None),
    (
        'ExtractGrokPatterns($in, "%{WORD:name} %{GREEDYDATA:rest}")',
        "java -Xmx 512m",
        {"name": "java", "rest": "-Xmx 512m"},
    ),
    (
        'ExtractGrokPatterns($in, "%{WORD} %{NUMBER:n:int}")',
        "worker 7",
        {"BASE10NUM": "7", "WORD": "worker", "n": 7},
    ),
    (
        'ExtractGrokPatterns($in, "pid=%{INT:proc.pid:long} load=%{NUMBER:l:double} ok=%{BOOL:ok:bool}", true)',
        "pid=12 load=.5 ok=true",
        {"l": 0.5, "ok": True, "proc.pid": 12},
    ),
    ('ExtractGrokPatterns($in, "%{W}", true, ["W=%{V:v}x*", "V=[a-z]+?"])', "abxx", {"v": "a"}),
    ('ExtractGrokPatterns($in, "%{WORD} %{WORD}")', "one two", {"WORD": "two"}),
    ('ExtractGrokPatterns($in, "%{WORD:a:what}")', "one", None),
    ('ExtractGrokPatterns($in, "%{NUMBER:n:int}")', "99999999999999999999", None),
    ('ExtractGrokPatterns($in, "%{NUMBER:n:int}", true)', "-9223372036854775808", {"n": -(2**63)}),
    # Python reads no number of more than 4,300 digits.
    ('ExtractGrokPatterns($in, "%{NUMBER:n:int}")', "9" * 5000, None),
    ('ExtractGrokPatterns($in, "%{NUMBER:n:int}", true)', "0" * 5000 + "7", {"n": 7}),
    ("URL($in)", f"http://a:{'9' * 5000}/", None),
    ('Time($in, "%Y-%m-%dT%H:%M:%S %Z")', f"2024-05-06T07:08:09 GMT+{'1' * 5000}", None),
    ("Duration($in)", f"{'1' * 5000}s", None),
    ('ExtractGrokPatterns($in, "%{WORD:n} x")', "nothing", {}),
    (
        "URL($in)",
        "http://user:pa%40ss@example.com:8080/a/b.tar.gz?x=1&y=2#frag%20x",
        {
            "url.domain": "example.com",
            "url.extension": "gz",
            "url.fragment": "frag x",
            "url.original": "http://user:pa%40ss@example.com:8080/a/b.tar.gz?x=1&y=2#frag%20x",
            "url.password": "pa@ss",
            "url.path": "/a/b.tar.gz",
            "url.port": 8080,
            "url.query": "x=1&y=2",
            "url.scheme": "http",
            "url.user_info": "user:pa%40ss",
            "url.username": "user",
        },
    ),
    (
        "URL($in)",
        "/path/only.txt?q",
        {
            "url.domain": "",
            "url.extension": "txt",
            "url.original": "/path/only.txt?q",
            "url.path": "/path/only.txt",
            "url.query": "q",
            "url.scheme": "",
        },
    ),
    (
        "URL($in)",
        "mailto:me@x.y",
        {"url.domain": "", "url.original": "mailto:me@x.y", "url.path": "", "url.scheme": "mailto"},
    ),
    ("URL($in)", "a:b/c", {"url.domain": "", "url.original": "a:b/c", "url.path": "", "url.scheme": "a"}),
    ("URL($in)", "a/b:c", {"url.domain": "", "url.original": "a/b:c", "url.path": "a/b:c", "url.scheme": ""}),
    (
        "URL($in)",
        "http://[fe80::1%25en0]:80/",
        {
            "url.domain": "fe80::1%en0",
            "url.original": "http://[fe80::1%25en0]:80/",
            "url.path": "/",
            "url.port": 80,
            "url.scheme": "http",
        },
    ),
    ("URL($in)", "http://[1.2.3.4]/", None),
    (
        "URL($in)",
        "http://h/ü?ä",
        {
            "url.domain": "h",
            "url.original": "http://h/%C3%BC?ä",
            "url.path": "/ü",
            "url.query": "ä",
            "url.scheme": "http",
        },
    ),
    ("URL($in)", "http://h/%zz", None),
    ("URL($in)", "?a=1&a=2&b", {"query": {"a": ["1", "2"], "b": [""]}}),
    ("URL($in)", "?a;b", None),
    (
        "URL($in)",
        "http://h:1:2/",
        {
            "url.domain": "h:1",
            "url.original": "http://h:1:2/",
            "url.path": "/",
            "url.port": 2,
            "url.scheme": "http",
        },
    ),
    ("URL($in)", "http://h:99999999999999999999/", None),
    (
        "URL($in)",
        "http:///p",
        {"url.domain": "", "url.original": "http:///p", "url.path": "/p", "url.scheme": "http"},
    ),
    (
        "URL($in)",
        "http:/p",
        {"url.domain": "", "url.original": "http:/p", "url.path": "/p", "url.scheme": "http"},
    ),
    (
        "URL($in)",
        "HTTP://H/",
        {"url.domain": "H", "url.original": "http://H/", "url.path": "/", "url.scheme": "http"},
    ),
    (
        "URL($in)",
        "http://h?",
        {"url.domain": "h", "url.original": "http://h?", "url.path": "", "url.scheme": "http"},
    ),
    (
        "URL($in)",
        "http://h/a%2Fb.c",
        {
            "url.domain": "h",
            "url.extension": "c",
            "url.original": "http://h/a%2Fb.c",
            "url.path": "/a/b.c",
            "url.scheme": "http",
        },
    ),
    ("URL($in)", "http://u<@h", None),
    ("URL($in)", "1http://x", None),
    (
        "URL($in)",
        "postgres://u:p@a:1,b:2/db",
        {
            "url.domain": "a:1,b",
            "url.original": "postgres://u:p@a:1,b:2/db",
            "url.password": "p",
            "url.path": "/db",
            "url.port": 2,
            "url.scheme": "postgres",
            "url.user_info": "u:p",
            "url.username": "u",
        },
    ),
    ("URL($in)", "", None),
    ('URL($in)["url.domain"]', "http://h/x", "h"),
    ('URL($in)["url.query"]', "http://h/x", None),
]
"""An expression, the value of ``$in`` in it, and what it gave; ``None`` where it failed."""


def _plain(value: dict[str, Any]) -> object:
    kind = next(iter(value), "")
    found: Any = value.get(kind)
    match kind:
        case "intValue":
            return int(found)
        case "arrayValue":
            return [_plain(one) for one in found.get("values", [])]
        case "kvlistValue":
            return {one["key"]: _plain(one["value"]) for one in found.get("values", [])}
    return found


def _evaluated(expressions: list[str], values: list[object]) -> list[object]:
    """What each expression gives for its value, all of them in one engine."""
    statements = []
    for row, text in enumerate(expressions):
        for short, full in _SHORT.items():
            text = text.replace(short, full)
        statements.append(
            f'set(datapoint.attributes["out"], {text}) where datapoint.attributes["row"] == {row}'
        )
    points = [
        {
            "timeUnixNano": str(TIME + 123_456_789),
            "asInt": "1",
            "attributes": key_values({"row": row, "in": value}),
        }
        for row, value in enumerate(values)
    ]
    settings = {"metric_statements": [{"context": "datapoint", "statements": statements}]}
    (made,) = run_processor(
        "transform", settings, [payload_of({"name": "m", "gauge": {"dataPoints": points}})]
    )
    out = []
    for point in made["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]:
        found = {one["key"]: one["value"] for one in point["attributes"]}
        out.append(_plain(found["out"]) if "out" in found else None)
    return out


@pytest.fixture(scope="module")
def given() -> list[object]:
    return _evaluated([text for text, _, _ in _VALUES], [value for _, value, _ in _VALUES])


@pytest.mark.parametrize(
    "row", range(len(_VALUES)), ids=[f"{text[:60]} {value}" for text, value, _ in _VALUES]
)
def test_a_converter_gives_what_the_collector_gives(row: int, given: list[object]) -> None:
    assert given[row] == _VALUES[row][2]
