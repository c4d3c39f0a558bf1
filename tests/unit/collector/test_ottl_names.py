"""Named arguments: the spellings that the collector takes for one parameter."""

from __future__ import annotations

import pytest

from phoenix_nb.collector.ottl import CONTEXTS, Item, OttlError, compile_value
from phoenix_nb.collector.ottl._names import field_name
from phoenix_nb.otlp import KeyValues


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("target", "Target"),
        ("header_delimiter", "HeaderDelimiter"),
        ("headerDelimiter", "HeaderDelimiter"),
        ("header_Delimiter", "HeaderDelimiter"),
        ("header__delimiter_", "HeaderDelimiter"),
        ("headerDELIMITER", "HeaderDelimiter"),
        ("headerdelimiter", "Headerdelimiter"),
        ("header1delimiter", "Header1Delimiter"),
        ("sourceIP", "SourceIp"),
        ("source_i_p", "SourceIP"),
        ("sourceI_p", "SourceIP"),
    ],
)
def test_a_spelling_becomes_a_name_in_go(written: str, field: str) -> None:
    assert field_name(written) == field


@pytest.mark.parametrize(
    "text",
    [
        'ParseCSV("a|b", "x|y", header_delimiter="|", delimiter="|")',
        'ParseCSV("a|b", "x|y", headerDelimiter="|", delimiter="|")',
        'ParseCSV("a|b", "x|y", headerDelimiter="|", header_delimiter="|", delimiter="|")',
        'ParseCSV("a|b", "x|y", "|", delimiter="|", delimiter=",")',
        'ParseKeyValue("a=b", pairDelimiter=" ")',
        'CommunityID(source_i_p="10.0.0.1", sourcePort=1, destinationI_P="10.0.0.2", destination_port=2)',
        'URL(u_r_i="http://a/b")',
    ],
)
def test_spellings_that_are_taken(text: str) -> None:
    compile_value(text, CONTEXTS["metric"])


def test_the_last_of_two_wins() -> None:
    made = compile_value('ParseKeyValue("a:b", delimiter="=", delimiter=":")', CONTEXTS["metric"])
    assert made.get(Item()) == KeyValues({"a": "b"}.items())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('ParseCSV("a|b", "x|y", headerdelimiter="|")', "headerdelimiter"),
        ('URL(uri="http://a/b")', "uri"),
        ('CommunityID("10.0.0.1", 1, destination_ip="10.0.0.2", destination_port=2)', "destination_ip"),
    ],
)
def test_spellings_that_are_not(text: str, name: str) -> None:
    with pytest.raises(OttlError, match=f"no such parameter: {name}"):
        compile_value(text, CONTEXTS["metric"])
