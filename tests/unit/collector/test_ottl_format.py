"""``Format``: each row is what the real processors gave."""

from __future__ import annotations

import pytest

from phoenix_nb.collector.ottl import CONTEXTS, EvaluationError, Item, Point, compile_value
from phoenix_nb.collector.ottl.functions._format import format_text

_POINT = Item(point=Point())
_ROWS: list[tuple[str, str | bytes | int | float | bool | None, str]] = [
    ("% 5.0v", True, " true"),
    ("%-.2v", True, "true"),
    ("% 5.0v", 123456789012345678901.5, " 1e+20"),
    ("%+.2v", 0.0, "0"),
    ("%-5.0v", 233, "233  "),
    ("%v", 0, "0"),
    ("% 5.0v", None, "<nil>"),
    ("%.2v", None, "<nil>"),
    ("% 5.2v", "", "     "),
    ("%-.2v", "", ""),
    ("%+5.0s", True, "%!s(bool= true)"),
    ("%0s", True, "%!s(bool=true)"),
    ("%+.2s", 3.14159, "%!s(float64=+3.1)"),
    ("%+5s", 3.14159, "%!s(float64=+3.14159)"),
    ("%0.2s", 97, "%!s(int64=97)"),
    ("%0s", -7, "%!s(int64=-7)"),
    ("%+.0s", None, "%!s(<nil>)"),
    ("%-s", None, "%!s(<nil>)"),
    ("%0.0s", "", ""),
    ("%05s", 'é"x', '00é"x'),
    ("%+5.0d", True, "%!d(bool= true)"),
    ("%5d", True, "%!d(bool= true)"),
    ("% .2d", 0.0, "%!d(float64= 0)"),
    ("%5d", 0.0, "%!d(float64=    0)"),
    ("% 5.2d", 0, "   00"),
    ("%05d", 233, "00233"),
    ("%+d", None, "%!d(<nil>)"),
    ("%5d", None, "%!d(<nil>)"),
    ("%-.2d", 'é"x', '%!d(string=é")'),
    ("%-5.2d", "", "%!d(string=     )"),
    ("%0.2q", True, "%!q(bool=true)"),
    ("%05q", True, "%!q(bool=0true)"),
    ("% q", 3.14159, "%!q(float64= 3.14159)"),
    ("%5.0q", 0.0, "%!q(float64=    0)"),
    ("%05.2q", 0, "'\\x00'"),
    ("%5.2q", 12, " '\\f'"),
    ("% 5.0q", None, "%!q(<nil>)"),
    ("%-5.2q", None, "%!q(<nil>)"),
    ("%5.2q", "", '   ""'),
    ("%5q", "lib.a", '"lib.a"'),
    ("%05x", True, "%!x(bool=0true)"),
    ("%0x", True, "%!x(bool=true)"),
    ("%5x", 0.0, "0x0p+00"),
    ("%5x", 0.1, "0x1.999999999999ap-04"),
    ("% .2x", 97, " 61"),
    ("%0x", 97, "61"),
    ("%+5.0x", None, "%!x(<nil>)"),
    ("%.2x", None, "%!x(<nil>)"),
    ("% .0x", "lib.a", ""),
    ("%+x", "", ""),
    ("% .0X", True, "%!X(bool=true)"),
    ("%+.0X", True, "%!X(bool=true)"),
    ("% .0X", 1000000.0, " 0X1P+20"),
    ("%-5.0X", -0.5, "-0X1P-01"),
    ("%+.2X", 233, "+E9"),
    ("%-.0X", 0, ""),
    ("%+5.0X", None, "%!X(<nil>)"),
    ("%-5X", None, "%!X(<nil>)"),
    ("%+.0X", 'é"x', ""),
    ("%0.0X", 'é"x', ""),
    ("% .2f", True, "%!f(bool=true)"),
    ("% 5.0f", True, "%!f(bool= true)"),
    ("%-.2f", 123456789012345678901.5, "123456789012345683968.00"),
    ("%05.2f", 0.1, "00.10"),
    ("%+.0f", 97, "%!f(int64=+97)"),
    ("%5f", 97, "%!f(int64=   97)"),
    ("%-f", None, "%!f(<nil>)"),
    ("%5.2f", None, "%!f(<nil>)"),
    ("%-5f", 'é"x', '%!f(string=é"x  )'),
    ("%05.0f", "", "%!f(string=00000)"),
    ("% 5e", True, "%!e(bool= true)"),
    ("%-5.2e", True, "%!e(bool=true )"),
    ("%5.0e", -0.5, "-5e-01"),
    ("%5.2e", 1000000.0, "1.00e+06"),
    ("%-5e", 233, "%!e(int64=233  )"),
    ("%e", 233, "%!e(int64=233)"),
    ("%+e", None, "%!e(<nil>)"),
    ("%-5.2e", None, "%!e(<nil>)"),
    ("%+e", "lib.a", "%!e(string=lib.a)"),
    ("%0.0e", "lib.a", "%!e(string=)"),
    ("% .2g", True, "%!g(bool=true)"),
    ("%0.2g", True, "%!g(bool=true)"),
    ("% 5g", 0.1, "  0.1"),
    ("%.0g", 1000000.0, "1e+06"),
    ("%+5.2g", 97, "%!g(int64=  +97)"),
    ("%05.2g", 0, "%!g(int64=   00)"),
    ("% 5g", None, "%!g(<nil>)"),
    ("%.2g", None, "%!g(<nil>)"),
    ("%+g", "", "%!g(string=)"),
    ("%0g", "", "%!g(string=)"),
    ("% .2t", True, "true"),
    ("%0t", True, "true"),
    ("%.0t", 0.0, "%!t(float64=0)"),
    ("%5.0t", 1000000.0, "%!t(float64=1e+06)"),
    ("% t", 12, "%!t(int64= 12)"),
    ("%+5.0t", 97, "%!t(int64=  +97)"),
    ("%+t", None, "%!t(<nil>)"),
    ("%-5.0t", None, "%!t(<nil>)"),
    ("%05.2t", 'é"x', '%!t(string=000é")'),
    ("%0t", "", "%!t(string=)"),
    ("%-5.0b", True, "%!b(bool=true )"),
    ("%5.2b", True, "%!b(bool= true)"),
    ("%+b", 0.0, "+0p-1074"),
    ("%-5.0b", 3.14159, "7074231776675438p-51"),
    ("%-5.2b", -7, "-111 "),
    ("%-5b", 0, "0    "),
    ("% 5.2b", None, "%!b(<nil>)"),
    ("%05.0b", None, "%!b(<nil>)"),
    ("%+5.2b", "", "%!b(string=     )"),
    ("%-5.2b", "lib.a", "%!b(string=li   )"),
    ("% o", True, "%!o(bool=true)"),
    ("%.2o", True, "%!o(bool=true)"),
    ("%-5o", 123456789012345678901.5, "%!o(float64=1.2345678901234568e+20)"),
    ("%5.2o", 0.0, "%!o(float64=    0)"),
    ("%05o", 233, "00351"),
    ("%0o", 97, "141"),
    ("% 5.2o", None, "%!o(<nil>)"),
    ("%+.0o", None, "%!o(<nil>)"),
    ("%-o", "", "%!o(string=)"),
    ("%0.2o", "lib.a", "%!o(string=li)"),
    ("%-8T|", 1, "int64   |"),
    ("%.2T", 1, "in"),
    ("%T", None, "<nil>"),
    ("%05c", 97, "0000a"),
    ("%c", -1, "\ufffd"),
    ("%5c", "ab", "%!c(string=   ab)"),
    ("%U", -1, "U+FFFFFFFFFFFFFFFF"),
    ("%010U", 97, "    U+0061"),
    ("%#.6U", 97, "U+000061 'a'"),
    ("%#U", 7, "U+0007"),
    ("%#U", 57344, "U+E000"),
    ("%#x", -255, "-0xff"),
    ("%#08x", 10, "0x0000000a"),
    ("%#.0x", 0, ""),
    ("%#08o", 8, "00000010"),
    ("%O", 8, "0o10"),
    ("%#8b", 5, "   0b101"),
    ("%#08x", "ab", "000x6162"),
    ("%# X", "ab", "0X61 0X62"),
    ("%#q", "a", "`a`"),
    ("%#q", "a`b", '"a`b"'),
    ("%E", 1.5, "1.500000E+00"),
    ("%x", b"ab", "6162"),
    ("%v", b"\x01\x02", "[1 2]"),
]


@pytest.mark.parametrize(("pattern", "value", "text"), _ROWS)
def test_one_value(pattern: str, value: str | bytes | float | bool | None, text: str) -> None:
    assert format_text(pattern, [value]) == text


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('Format("%v", [[1, "a", nil, true, 2.50, [3, []], 0x0102]])', "[1 a <nil> true 2.5 [3 []] [1 2]]"),
        ('Format("%5d", [["a", 1]])', "[%!d(string=    a)     1]"),
        ('Format("%s", [[nil, 1]])', "[<nil> %!s(int64=1)]"),
        ('Format("%q", [Split("a b", " ")])', '["a" "b"]'),
        ('Format("a", [[1, "b"]])', "a%!(EXTRA []interface {}=[1 b])"),
        ('Format("%T %T %T", [[1], Split("a", " "), {"a": 1}])', "[]interface {} []string pcommon.Map"),
        ('Format("%T %T", [time, Duration("1s")])', "time.Time time.Duration"),
    ],
)
def test_lists_and_kinds(text: str, made: str) -> None:
    assert compile_value(text, CONTEXTS["datapoint"]).get(_POINT) == made


@pytest.mark.parametrize(
    "text", ['Format("%v", [{"a": 1}])', 'Format("%#x", [1.0])', 'Format("%s", [[{"a": 1}]])']
)
def test_what_cannot_be_shown_fails(text: str) -> None:
    with pytest.raises(EvaluationError, match="cannot show"):
        compile_value(text, CONTEXTS["datapoint"]).get(_POINT)


@pytest.mark.parametrize(
    ("pattern", "value", "text"),
    [
        ("%s", b"ab", "ab"),
        ("%-8.3s", b"ab", "ab      "),
        ("%+q", b"ab", '"ab"'),
        ("%q", b"", '""'),
        ("%o", b"ab", "[141 142]"),
        ("%+b", b"ab", "[+1100001 +1100010]"),
        ("%05t", b"ab", "[%!t(uint8=00097) %!t(uint8=00098)]"),
        ("%05t", b"", "[]"),
    ],
)
def test_bytes_are_shown_as_the_collector_shows_them(pattern: str, value: bytes, text: str) -> None:
    assert format_text(pattern, [value]) == text


def test_bytes_that_are_no_text_are_not_shown_as_one() -> None:
    with pytest.raises(EvaluationError, match="no text"):
        format_text("%s", [b"\xff"])
