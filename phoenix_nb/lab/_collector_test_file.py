"""Pipeline tests as files: what goes in, and what is expected to come out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from phoenix_nb.collector.config import YamlError, load_yaml, plain
from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.interfaces._value import Value
from phoenix_nb.lab._pipeline_texts import pipeline_text
from phoenix_nb.lab._texts import read_text

__all__ = [
    "ENDINGS",
    "CompactPoint",
    "Expectations",
    "ExpectedValue",
    "PipelineTest",
    "PipelineTestFile",
    "Range",
    "Recording",
    "SeriesPattern",
    "load_pipeline_tests",
]

ENDINGS: Final = (".pipeline-test.yaml", ".pipeline-test.yml")
"""What the name of a test file ends with, for those who look for them."""

_WORDS: Final = {
    "tuple_type": "should be a list",
    "dict_type": "should be a mapping",
    "model_type": "should be a mapping",
    "missing": "is missing",
    "string_type": "should be text",
    "extra_forbidden": "no such key is known",
    **dict.fromkeys(("bool_type", "bool_parsing"), "should be true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "should be a number"),
}
"""What YAML calls what pydantic calls by its Python names, by type of error."""

_KIND: Final = re.compile(r"bool|int|float|str|Recording|Range|tuple\[.*\]")
"""Names of kinds, which pydantic puts between the keys."""

Scalar = bool | int | float | str


class CompactPoint(Value):
    """One data point on one line."""

    metric: str = Field(min_length=1)
    """Name of the metric."""
    value: int | float
    """A whole number makes an integer point, any other a double one."""
    type: Literal["gauge", "sum", "counter", "delta"] = "gauge"
    """``counter``: cumulative and monotonic; ``sum``: cumulative; ``delta``: monotonic, since the point before."""
    unit: str = ""
    """Unit of the metric."""
    resource: dict[str, Scalar] = Field(default_factory=dict)
    """Attributes of the resource."""
    attributes: dict[str, Scalar] = Field(default_factory=dict)
    """Attributes of the point."""
    time: float | None = None
    """Seconds after the start of the test; 60 times the payload's number when omitted."""
    start: float | None = None
    """Start time, likewise; none when omitted."""


class Recording(Value):
    """Payloads in a file."""

    recording: str = Field(min_length=1)
    """The file, relative to the test file."""


class Range(Value):
    """A number between two others."""

    min: int | None = None
    """At least this; no bound when omitted."""
    max: int | None = None
    """At most this; no bound when omitted."""


class SeriesPattern(Value):
    """Series by metric and attributes; texts may use ``*`` and ``?``."""

    metric: str = "*"
    """Name of the metric."""
    resource: dict[str, Scalar | None] = Field(default_factory=dict)
    """Attributes that the resource must have; ``null`` = must not have."""
    attributes: dict[str, Scalar | None] = Field(default_factory=dict)
    """Attributes that the point must have; ``null`` = must not have."""


class ExpectedValue(SeriesPattern):
    """The last value of every series that matches."""

    value: int | float
    """The value."""
    tolerance: float = Field(default=0.0, ge=0)
    """How far it may be away."""


class Expectations(Value):
    """What must be true of the output; what is not named is not looked at."""

    payloads: int | Range | None = None
    """Payloads of which something is left."""
    points: int | Range | None = None
    """Data points."""
    series: int | Range | None = None
    """Distinct series."""
    present: tuple[SeriesPattern, ...] = ()
    """At least one series matches each."""
    absent: tuple[SeriesPattern, ...] = ()
    """No series matches any."""
    values: tuple[ExpectedValue, ...] = ()
    """Values of series; at least one must match."""
    output: tuple[CompactPoint, ...] | None = None
    """All points, in any order; times are compared where they are given."""
    lint_free: bool = False
    """The linter finds nothing in the configuration with this input."""

    @model_validator(mode="after")
    def _not_empty(self) -> Expectations:
        if self == Expectations.model_construct():
            raise ValueError("nothing is expected: a test that cannot fail is no test")
        return self


class PipelineTest(Value):
    """One test."""

    name: str = Field(min_length=1)
    """What it shows."""
    input: Recording | tuple[tuple[CompactPoint, ...], ...]
    """A recording, or payloads; the points of one payload may be given without the list around them."""
    expect: Expectations
    """What must be true."""
    ticks: Literal["every-input", "none"] = "none"
    """When components with timers act."""
    exporter: str | None = None
    """The exporter whose payloads count; all that send something when omitted."""

    @field_validator("input", mode="before")
    @classmethod
    def _one_payload(cls, given: object) -> object:
        if isinstance(given, list) and not any(isinstance(one, list) for one in given):
            return [given]
        return given


class PipelineTestFile(Value):
    """Tests of one configuration."""

    config: str = Field(min_length=1)
    """A file relative to this one, the name of a catalogue pipeline, or collector YAML of several lines."""
    collector_version: str | None = None
    """Release whose rules apply; the setting's when omitted."""
    environment: dict[str, str] = Field(default_factory=dict)
    """The variables that ``${env:…}`` may use; there are no others."""
    tests: tuple[PipelineTest, ...] = Field(min_length=1)
    """The tests."""


def load_pipeline_tests(path: Path) -> tuple[PipelineTestFile, str]:
    """The tests of a file, and the collector YAML that they are about.

    Raises:
        InvalidRequestError: it is no test file; the message says which key is wrong.
        NotFoundError: it, or its configuration, does not exist.
    """
    try:
        # The collector's own reader: texts mean here what they mean in a configuration, and its size is bounded.
        tree = plain(load_yaml(read_text(path)))
    except YamlError as error:
        raise InvalidRequestError(
            f"{path} is not YAML: {' '.join(str(error).split())}",
            hint="correct it",
            details={"path": str(path)},
        ) from error
    try:
        found = PipelineTestFile.model_validate(tree)
    except ValidationError as error:
        problems = _problems(error)
        raise InvalidRequestError(
            f"{path} is not a pipeline test: {problems[0]}",
            hint="docs/pipeline-tests has examples of everything that can be said",
            details={"path": str(path), "problems": [*problems]},
        ) from error
    names = [test.name for test in found.tests]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidRequestError(
            f"{path} has two tests named {twice[0]!r}", hint="give each a name of its own"
        )
    if "\n" in found.config:
        return found, found.config
    beside = path.parent / found.config
    try:
        return found, pipeline_text(str(beside) if beside.is_file() else found.config)
    except NotFoundError as error:
        raise NotFoundError(
            f"{path}: config: {error.message}",
            hint="config is a file relative to the test file, a catalogue name, or YAML of several lines",
            details={**error.details, "file": str(path)},
        ) from error


def _problems(error: ValidationError) -> list[str]:
    """One text per wrong place, deepest first.

    Nothing is said of a place in which another one is wrong: that follows from it (a list without its wrong entries
    is too short), or is about another kind than the one that was meant.
    """
    found: dict[tuple[int | str, ...], list[str]] = {}
    for one in error.errors(include_url=False):
        where = tuple(part for part in one["loc"] if isinstance(part, int) or not _KIND.fullmatch(part))
        found.setdefault(where, []).append(_text(one))
    lines = []
    for where, texts in sorted(found.items(), key=lambda item: -len(item[0])):
        if any(other[: len(where)] == where for other in found if len(other) > len(where)):
            continue
        lines.append(f"{'::'.join(map(str, where)) or 'the file'}: {_one_of(texts)}")
    return lines


def _one_of(texts: list[str]) -> str:
    """What each kind of value that may stand there asks for, as one text."""
    kinds = list(dict.fromkeys(texts))
    if "should be a number" in kinds and "should be a whole number" in kinds:
        kinds.remove("should be a whole number")
    if len(kinds) == 1:
        return kinds[0]
    if len(kinds) == 2 and all(text.startswith("should be ") for text in kinds):
        return f"{kinds[0]} or {kinds[1].removeprefix('should be ')}"
    return "this value is of the wrong kind"


def _text(one: ErrorDetails) -> str:
    if one["type"] in _WORDS:
        return _WORDS[one["type"]]
    if one["type"] == "too_short":
        return f"should have at least {one['ctx']['min_length']} entry"
    text = one["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{text[:1].lower()}{text[1:]}"
