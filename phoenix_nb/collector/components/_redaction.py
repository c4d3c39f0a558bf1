"""redaction: removes attributes that are not allowed and masks values that must not be seen."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from phoenix_nb.collector._regexp import Regexp, RegexpError, compile_regexp
from phoenix_nb.collector._values import remove_key, text_of
from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._rewrite import IdMap, exchange
from phoenix_nb.collector.config import BOOL, TEXT, Items, Settings, Struct, Word, setting
from phoenix_nb.otlp import Attributes, AttributeValue, Resource, Scope

__all__ = ["REDACTION", "RedactionSettings"]

_HASHES: Final = ("sha1", "sha3", "md5", "hmac-sha256", "hmac-sha512")
_SHORTEST: Final = {"hmac-sha256": 32, "hmac-sha512": 64}
_ALWAYS: Final = (
    "redaction.redacted.keys",
    "redaction.redacted.count",
    "redaction.masked.keys",
    "redaction.masked.count",
    "redaction.ignored.count",
)
_TEXTS: Final = Items(TEXT)


def _hash_name(text: str) -> str:
    name = text.lower()
    if name and name not in _HASHES:
        message = (
            f"unknown HashFunction {name}, allowed functions are {', '.join(_HASHES[:-1])} and {_HASHES[-1]}"
        )
        raise ValueError(message)
    return name


@dataclass(frozen=True)
class UrlSanitizer(Settings):
    """How URLs are cleaned."""

    go_type: ClassVar[str] = "url.URLSanitizationConfig"
    enabled: bool = setting(False, BOOL)
    """Whether they are."""
    attributes: tuple[str, ...] = setting((), _TEXTS)
    """Keys whose values are URLs; with none only texts that metrics have not are cleaned."""
    sanitize_span_name: bool | None = setting(None, BOOL)
    """Whether names of spans are URLs."""


@dataclass(frozen=True)
class StatementSanitizer(Settings):
    """How statements of one kind of database are cleaned."""

    enabled: bool = setting(False, BOOL)
    """Whether they are."""
    attributes: tuple[str, ...] = setting((), _TEXTS)
    """Keys whose values are statements; with none only texts that metrics have not are cleaned."""

    @property
    def cleans(self) -> bool:
        """Whether attributes of metrics are cleaned."""
        return self.enabled and bool(self.attributes)


_NOTHING: Final = StatementSanitizer()
_STATEMENTS: Final = Struct(StatementSanitizer)


@dataclass(frozen=True)
class DbSanitizer(Settings):
    """How database statements are cleaned, by kind of database."""

    go_type: ClassVar[str] = "db.DBSanitizerConfig"
    sql: StatementSanitizer = setting(_NOTHING, _STATEMENTS)
    """SQL."""
    redis: StatementSanitizer = setting(_NOTHING, _STATEMENTS)
    """Commands of Redis."""
    valkey: StatementSanitizer = setting(_NOTHING, _STATEMENTS)
    """Commands of Valkey."""
    memcached: StatementSanitizer = setting(_NOTHING, _STATEMENTS)
    """Commands of Memcached."""
    mongo: StatementSanitizer = setting(_NOTHING, _STATEMENTS)
    """Queries of MongoDB."""
    opensearch: StatementSanitizer = setting(_NOTHING, _STATEMENTS)
    """Queries of OpenSearch."""
    es: StatementSanitizer = setting(_NOTHING, _STATEMENTS)
    """Queries of Elasticsearch."""
    sanitize_span_name: bool | None = setting(None, BOOL)
    """Whether names of spans are statements."""

    @property
    def cleans(self) -> bool:
        """Whether attributes of metrics are cleaned; the search engines alone do not make the collector do it."""
        kinds = (self.sql, self.redis, self.valkey, self.memcached, self.mongo)
        return any(kind.cleans for kind in kinds)


@dataclass(frozen=True)
class RedactionSettings(Settings):
    """Settings of the redaction processor."""

    go_type: ClassVar[str] = "redactionprocessor.Config"
    allow_all_keys: bool = setting(False, BOOL)
    """Whether every key may stay."""
    allowed_keys: tuple[str, ...] = setting((), _TEXTS)
    """Keys that may stay."""
    blocked_key_patterns: tuple[str, ...] = setting((), _TEXTS)
    """Patterns over keys whose values are masked."""
    hash_function: str = setting("", Word("redactionprocessor.HashFunction", _hash_name))
    """How values are masked; empty = with asterisks."""
    hmac_key: str = setting("", TEXT)
    """The key of keyed hashes."""
    ignored_keys: tuple[str, ...] = setting((), _TEXTS)
    """Keys that stay as they are."""
    ignored_key_patterns: tuple[str, ...] = setting((), _TEXTS)
    """Patterns over keys that stay as they are."""
    redact_all_types: bool = setting(False, BOOL)
    """Whether values that are no text are looked at too."""
    blocked_values: tuple[str, ...] = setting((), _TEXTS)
    """Patterns over values that are masked."""
    allowed_values: tuple[str, ...] = setting((), _TEXTS)
    """Patterns over values that stay."""
    db_sanitizer: DbSanitizer = setting(DbSanitizer(), Struct(DbSanitizer))
    """How database statements are cleaned."""
    summary: str = setting("", TEXT)
    """``info`` adds counts of what was done, ``debug`` keys too."""
    url_sanitizer: UrlSanitizer = setting(UrlSanitizer(), Struct(UrlSanitizer))
    """How URLs are cleaned."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        shortest = _SHORTEST.get(self.hash_function)
        size = len(self.hmac_key.encode())
        if shortest is not None and not size:
            yield f'hmac_key must not be empty when hash_function is "{self.hash_function}"'
        elif shortest is not None and size < shortest:
            yield (
                f'hmac_key must be at least {shortest} bytes long for "{self.hash_function}", got {size} bytes'
            )


def _patterns(texts: tuple[str, ...], what: str) -> list[Regexp]:
    try:
        return [compile_regexp(text) for text in texts]
    except RegexpError as exc:
        raise BuildError(
            f"error creating a redaction processor: failed to process {what} list: error compiling regex in list: {exc}"
        ) from exc


class _Redaction:
    """What becomes of attributes."""

    def __init__(self, settings: RedactionSettings) -> None:
        self._settings = settings
        self._allowed = {*settings.allowed_keys, *_ALWAYS}
        self._ignored = frozenset(settings.ignored_keys)
        self._ignored_patterns = _patterns(settings.ignored_key_patterns, "ignore keys")
        self._blocked = _patterns(settings.blocked_values, "block")
        self._blocked_keys = _patterns(settings.blocked_key_patterns, "block keys")
        self._free = _patterns(settings.allowed_values, "allow")
        self._everything = compile_regexp(".*")
        self._mask = _masker(settings)

    def __call__(self, attributes: Attributes) -> Attributes:
        """Attributes with what is not allowed removed and masked."""
        redacted: list[str] = []
        masked: list[str] = []
        allowed: list[str] = []
        ignored: list[str] = []
        made: dict[str, AttributeValue] = {}
        changed = False
        for key, value in attributes.items():
            made[key] = value
            if key in self._ignored or any(one.search(key) for one in self._ignored_patterns):
                ignored.append(key)
                continue
            if not self._settings.allow_all_keys and key not in self._allowed:
                redacted.append(key)
                continue
            text = value if isinstance(value, str) else ""
            if self._settings.redact_all_types:
                text = text_of(value)
            if any(one.search(text) for one in self._free):
                allowed.append(key)
                continue
            if any(one.search(key) for one in self._blocked_keys):
                masked.append(key)
                made[key], changed = self._masked(text, self._everything), True
                continue
            cleaned = text
            for pattern in self._blocked:
                cleaned = self._masked(cleaned, pattern)
            if cleaned != text:
                masked.append(key)
                made[key], changed = cleaned, True
        for key in redacted:
            remove_key(made, key)
        for keys, name in (
            (redacted, "redacted"),
            (masked, "masked"),
            (allowed, "allowed"),
            (ignored, "ignored"),
        ):
            changed = self._summarise(made, keys, name) or changed
        return Attributes(made.items()) if changed or redacted else attributes

    def _masked(self, text: str, pattern: Regexp) -> str:
        parts: list[str] = []
        at = 0
        for (start, end), *_ in pattern.spans(text):
            parts.extend((text[at:start], self._mask(text[start:end])))
            at = end
        return "".join((*parts, text[at:]))

    def _summarise(self, made: dict[str, AttributeValue], keys: list[str], name: str) -> bool:
        level = self._settings.summary
        if not keys or level not in {"info", "debug"}:
            return False
        names, count = f"redaction.{name}.keys", f"redaction.{name}.count"
        if level == "debug" and name != "ignored":
            before = made.get(names)
            listed = keys + (before.split(",") if isinstance(before, str) and before else [])
            made[names] = ",".join(sorted(listed, key=str.encode))
        known = made.get(count)
        total = len(keys)
        if isinstance(known, int) and not isinstance(known, bool):
            total += known
        made[count] = total
        return True


def _masker(settings: RedactionSettings) -> Callable[[str], str]:
    name, key = settings.hash_function, settings.hmac_key.encode()
    if not name:
        return lambda _text: "****"
    if name.startswith("hmac-"):
        return lambda text: hmac.new(key, text.encode(), name.removeprefix("hmac-")).hexdigest()
    algorithm = {"sha3": "sha3_256"}.get(name, name)
    # What the user asked for; nothing here depends on the strength of the hash.
    return lambda text: hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


class _RedactionStage(Stateless):
    def __init__(self, redaction: _Redaction, setup: Setup) -> None:
        known = setup.dictionaries

        def resource(one: Resource) -> Resource:
            made = redaction(one.attributes)
            return one if made is one.attributes else replace(one, attributes=made)

        def scope(one: Scope) -> Scope:
            made = redaction(one.attributes)
            return one if made is one.attributes else replace(one, attributes=made)

        self._resources = IdMap(known.resources, resource)
        self._scopes = IdMap(known.scopes, scope)
        self._points = IdMap(known.attribute_sets, redaction)

    def process(self, flow: Flow) -> Flow:
        base = flow.frames.selection[0]
        return flow.to(
            exchange(
                flow.frames,
                rm_resource=self._resources(base.rm_resource),
                sm_scope=self._scopes(base.sm_scope),
                p_attributes=self._points(base.p_attributes),
            )
        )


def _build(settings: RedactionSettings, setup: Setup) -> Stage:
    if settings.url_sanitizer.enabled and settings.url_sanitizer.attributes:
        raise BuildError(
            "url_sanitizer with attributes is not supported by the embedded engine: which parts of a path are words is "
            "decided by a trained model that only the real collector has"
        )
    if settings.db_sanitizer.cleans:
        raise BuildError(
            "db_sanitizer with attributes is not supported by the embedded engine: only the real collector reads the "
            "statements of databases"
        )
    return _RedactionStage(_Redaction(settings), setup)


REDACTION: Final = ComponentType(ComponentKind.PROCESSOR, "redaction", RedactionSettings, build=_build)
"""The redaction processor."""
