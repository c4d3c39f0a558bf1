"""routing: sends resources, metrics or points to the pipelines of the first route that fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._arrange import arrange
from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._gates import ROUTING_IGNORES, default_error_mode
from phoenix_nb.collector.components._metrics_transform_operations import plain_header
from phoenix_nb.collector.components._ottl_settings import ERROR_MODE
from phoenix_nb.collector.components._rewrite import IdMap, exchange
from phoenix_nb.collector.config import (
    TEXT,
    ComponentId,
    Custom,
    DecodeError,
    IdError,
    Items,
    Node,
    Refused,
    Settings,
    Struct,
    Word,
    plain,
    setting,
)
from phoenix_nb.collector.ottl import (
    CONTEXTS,
    LEVEL_OF,
    Function,
    FunctionTable,
    OttlError,
    OttlLimitError,
    Rows,
    Statement,
    compile_statements,
    converters_of,
    statement_functions,
)
from phoenix_nb.otlp import COLUMNS, Dictionaries, Frames

__all__ = ["ROUTING", "RoutingSettings"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_LEVELS: Final = {"": "rm", "resource": "rm", "metric": "m", "datapoint": "p"}
_ROUTE: Final = Function("route", (), lambda: lambda _item: None)
_EDITORS: Final = ("delete_key", "delete_matching_keys")
"""Editors that a route may name instead of ``route()``: they change what it takes."""
_REQUEST: Final = re.compile(r'request\[".*"\]')


def _action(text: str) -> str:
    if text not in {"copy", "move"}:
        message = f"invalid Action string: {text}"
        raise ValueError(message)
    return text


def _pipelines(path: tuple[str, ...], name: str, node: Node, default: Any) -> Any:
    value = plain(node)
    if value is None:
        return default
    made: list[ComponentId] = []
    for at, item in enumerate(Items(TEXT).decode(path, name, node, ())):
        try:
            made.append(ComponentId.parse_pipeline(item))
        except IdError as exc:
            raise Refused(DecodeError((*path, str(at)), f"'{name}[{at}]' {exc}")) from exc
    return tuple(made)


_PIPELINES: Final = Custom(_pipelines)


@dataclass(frozen=True)
class RouteSettings(Settings):
    """One route."""

    go_type: ClassVar[str] = "routingconnector.RoutingTableItem"
    context: str = setting("", TEXT)
    """What is routed: ``resource``, ``metric`` or ``datapoint``; empty = resources."""
    statement: str = setting("", TEXT)
    """A statement ``route() where …``."""
    condition: str = setting("", TEXT)
    """A condition."""
    action: str = setting("", Word("routingconnector.Action", _action))
    """``move`` or ``copy``; empty = move."""
    pipelines: tuple[ComponentId, ...] = setting((), _PIPELINES)
    """Where it goes."""


@dataclass(frozen=True)
class RoutingSettings(Settings):
    """Settings of the routing connector."""

    go_type: ClassVar[str] = "routingconnector.Config"
    error_mode: str | None = setting(None, ERROR_MODE)
    """What a failing condition does; ``None`` = the default of the release."""
    default_pipelines: tuple[ComponentId, ...] = setting((), _PIPELINES)
    """Where goes what no route takes; none = it is dropped."""
    table: tuple[RouteSettings, ...] = setting((), Items(Struct(RouteSettings)))
    """The routes, in order."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``: the first one only."""
        first = next(self._problems(), None)
        if first is not None:
            yield first

    def _problems(self) -> Iterator[str]:
        if not self.table:
            yield "invalid routing table: the routing table is empty"
        for route in self.table:
            if not route.statement and not route.condition:
                yield "invalid route: no condition or statement provided"
            if route.statement and route.condition:
                yield "invalid route: both condition and statement provided"
            if not route.pipelines:
                yield "invalid route: no pipelines defined"
            if route.context == "request" and route.statement:
                yield "\"request\" context requires a 'condition'"
            elif route.context == "request" and (problem := _request_problem(route.condition)):
                yield problem
            if route.context not in {"", "resource", "span", "metric", "datapoint", "log", "request"}:
                yield f"invalid context: {route.context}"


def _request_problem(condition: str) -> str:
    """What is wrong with a comparison of one request attribute, in the collector's words."""
    parts = re.split("==|!=", condition)
    if not condition:
        return "condition is empty"
    if len(parts) < 2:
        return "condition does not contain a valid comparator"
    if len(parts) > 2:
        return "condition contains multiple comparators"
    if not _REQUEST.search(parts[0]):
        return "condition must have format 'request[\"<name>\"] <comparator> <value>'"
    if not re.search('".*"', parts[1]):
        return 'condition must have format \'request["<name>"] <comparator> "<value>"\''
    return ""


@dataclass(frozen=True, slots=True)
class _Route:
    """A compiled route."""

    level: str
    statement: Statement | None
    """Its condition and what it does to what it takes; ``None`` = nothing ever fits."""
    copies: bool
    group: int


class _Routing(Stateless):
    """Splits payloads; the engine asks for what goes where."""

    def __init__(
        self,
        routes: Sequence[_Route],
        targets: Sequence[tuple[ComponentId, ...]],
        default: int | None,
        mode: str,
        dictionaries: Dictionaries,
    ) -> None:
        self._routes = routes
        self._targets = targets
        self._default = default
        self._mode = mode
        self._plain = IdMap(dictionaries.headers, plain_header)

    @property
    def pipelines(self) -> tuple[ComponentId, ...]:
        """Every pipeline that something may be sent to."""
        return tuple(dict.fromkeys(pipeline for target in self._targets for pipeline in target))

    def process(self, flow: Flow) -> Flow:
        """Nothing changes; what goes where is asked for with :meth:`route`."""
        return flow

    def route(self, flow: Flow) -> tuple[Mapping[ComponentId, Sequence[Flow]], Flow]:
        """Per pipeline what it gets, and the flow with what was refused or logged."""
        rest = flow.frames
        groups: dict[int, list[Frames]] = {}
        refused: dict[int, str] = {}
        warnings: dict[str, None] = {}
        for route in self._routes:
            if route.statement is None:
                continue
            rest, hit, failed = _execute(route.statement, rest, route.level)
            payload = getattr(rest, f"{route.level}_payload")
            for row, text in failed.items():
                if self._mode == "propagate":
                    refused.setdefault(int(payload[row]), text)
                elif self._mode != "silent":
                    warnings[text] = None
            matched, left = self._split(rest, route, hit)
            groups.setdefault(route.group, []).append(matched)
            rest = rest if route.copies else left
        if self._default is not None:
            groups.setdefault(self._default, []).append(rest)
        made: dict[ComponentId, list[Flow]] = {}
        for group, parts in groups.items():
            sent = replace(flow, frames=_stacked(parts)).refuse(refused)
            for pipeline in dict.fromkeys(self._targets[group]):
                made.setdefault(pipeline, []).append(
                    replace(sent, refused=flow.refused, warnings=flow.warnings)
                )
        logged = flow.to(flow.frames, warnings)
        return made, logged.refuse(refused)

    def _split(self, frames: Frames, route: _Route, hit: Mask) -> tuple[Frames, Frames]:
        if route.level == "rm":
            return (
                frames.where(resources=hit, keep_empty=True),
                frames.where(resources=~hit, keep_empty=True),
            )
        if route.level == "m":
            return frames.where(metrics=hit), frames.where(metrics=~hit)
        taken = np.zeros(frames.n_metrics, dtype=np.bool_)
        taken[frames.p_metric[hit]] = True
        matched = frames.where(hit, taken)
        # A metric of which points are taken is described anew, without its metadata.
        base = matched.selection[0]
        return exchange(matched, m_header=self._plain(base.m_header)), frames.where(~hit)


def _execute(statement: Statement, frames: Frames, level: str) -> tuple[Frames, Mask, dict[int, str]]:
    """The frames with what the statement changed, the rows that it fits, and per failed row what failed."""
    if statement.writes:
        frames = frames.compact()
    rows = Rows(frames, level)
    mask, outcome = statement.when(rows, None)
    hit = np.ones(len(rows), dtype=np.bool_) if mask is None else mask
    failed: dict[int, str] = {}
    if outcome is not None and outcome.error is not None:
        for row in np.flatnonzero(outcome.error >= 0).tolist():
            failed[row] = outcome.errors[int(outcome.error[row])]
    if not statement.writes:
        return frames, hit, failed
    failures = statement.apply(rows, mask)
    if failures is not None:
        # What could not be changed is not taken.
        hit = hit.copy()
        hit[failures.rows] = False
        failed.update({row: failures.text(at) for at, row in enumerate(failures.rows.tolist())})
    return rows.changed(), hit, dict(sorted(failed.items()))


def _stacked(parts: Sequence[Frames]) -> Frames:
    """Payload by payload the resource blocks of all parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    together = Frames.concat(parts)
    count = parts[0].n_payloads
    columns = {name: together.column(name) for name in COLUMNS}
    columns["rm_payload"] = columns["rm_payload"] % count
    return arrange(together.dictionaries, parts[0].arrival, columns, together.side)


def _build(settings: RoutingSettings, setup: Setup) -> Stage:
    targets: list[tuple[ComponentId, ...]] = []
    groups: dict[object, int] = {}

    def group_of(pipelines: tuple[ComponentId, ...]) -> int:
        # Routes to one and the same pipeline share a payload; a fan-out is a receiver of its own each time.
        key: object = pipelines if len(pipelines) == 1 else len(targets)
        if key not in groups:
            groups[key] = len(targets)
            targets.append(pipelines)
        return groups[key]

    default = group_of(settings.default_pipelines) if settings.default_pipelines else None
    routes: dict[tuple[str, str], _Route] = {}
    for route in settings.table:
        if route.context in {"span", "log"}:
            continue
        text = f"route() where {route.condition}" if route.condition else route.statement
        key = ("" if route.context == "resource" else route.context, text)
        if key in routes:
            # Of equal routes only the first one is looked at.
            continue
        # Payloads here come without a request, and what is not there equals nothing and differs from nothing.
        request = route.context == "request"
        statement = None if request else _statement(text, route.context or "resource", setup.version)
        level = _LEVELS.get(route.context, "rm")
        routes[key] = _Route(level, statement, route.action == "copy", group_of(route.pipelines))
    mode = settings.error_mode or default_error_mode(setup, ROUTING_IGNORES)
    return _Routing(tuple(routes.values()), targets, default, mode, setup.dictionaries)


def _statement(text: str, context: str, version: tuple[int, int, int]) -> Statement:
    try:
        (made,) = compile_statements(
            [text], CONTEXTS[context], _functions(context), prefixed=False, version=version
        )
    except OttlLimitError as exc:
        raise BuildError(str(exc)) from exc
    except OttlError as exc:
        raise BuildError(str(exc).partition('": ')[2] or str(exc)) from exc
    shared = next((axis for axis in made.writes if LEVEL_OF.get(axis) != CONTEXTS[context].level), None)
    if shared is not None:
        raise BuildError(
            f"the statement {text!r} is not supported by the embedded engine: it changes what several rows share"
        )
    return made


def _functions(context: str) -> FunctionTable:
    editors = statement_functions(context)
    return {**converters_of(context), "route": _ROUTE, **{name: editors[name] for name in _EDITORS}}


ROUTING: Final = ComponentType(ComponentKind.CONNECTOR, "routing", RoutingSettings, build=_build)
"""The routing connector."""
