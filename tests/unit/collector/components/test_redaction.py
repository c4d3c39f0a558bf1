"""redaction: cleaning of URLs and statements, where metrics have none and where they have."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_nb.errors import ConfigError
from tests.unit.collector.running import TIME, key_values, payload_of, run_processor

_POINT = {"asInt": "1", "timeUnixNano": str(TIME), "attributes": key_values({"u": "/a/12", "q": "select 1"})}
_PAYLOAD = payload_of({"name": "m", "gauge": {"dataPoints": [_POINT]}})


@pytest.mark.parametrize(
    "settings",
    [
        {"url_sanitizer": {"enabled": True}},
        {"url_sanitizer": {"enabled": False, "attributes": ["u"]}},
        {"db_sanitizer": {"sql": {"enabled": True}, "mongo": {"enabled": True}}},
        {"db_sanitizer": {"es": {"enabled": True, "attributes": ["q"]}}},
    ],
)
def test_what_cleans_no_attributes_changes_no_metrics(settings: dict[str, Any]) -> None:
    (made,) = run_processor("redaction", {"allow_all_keys": True, **settings}, [_PAYLOAD])
    metric = made["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
    assert metric["gauge"]["dataPoints"] == [_POINT]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"url_sanitizer": {"enabled": True, "attributes": ["u"]}},
            "url_sanitizer with attributes is not supported",
        ),
        (
            {"db_sanitizer": {"sql": {"enabled": True, "attributes": ["q"]}}},
            "db_sanitizer with attributes is not supported",
        ),
        ({"db_sanitizer": {"sql": {"nope": 1}}}, "'db_sanitizer.sql' has invalid keys: nope"),
        ({"url_sanitizer": {"nope": 1}}, "'url_sanitizer' has invalid keys: nope"),
    ],
)
def test_what_cannot_be_cleaned_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run_processor("redaction", {"allow_all_keys": True, **settings}, [_PAYLOAD])
