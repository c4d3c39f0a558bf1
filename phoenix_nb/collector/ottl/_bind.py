"""From syntax to getters: names become paths, functions and enums of one context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._columns import Plan, arithmetic_plan, read_plan
from phoenix_nb.collector.ottl._context import ENUMS, Axis, Context, Item, PathError, PathRule, find_path
from phoenix_nb.collector.ottl._function import LITERALS, TARGETS, Function, FunctionTable, Param, Target
from phoenix_nb.collector.ottl._getters import Getter, literal, typed
from phoenix_nb.collector.ottl._lookups import WITH_ATTRIBUTES, attribute_lookup
from phoenix_nb.collector.ottl._names import field_name
from phoenix_nb.collector.ottl._runtime import GoList, OttlError, Value, arithmetic, kind_of, plain_value
from phoenix_nb.collector.ottl._setters import setter_of
from phoenix_nb.otlp import AttributeValue, KeyValues

__all__ = ["LATEST", "BindError", "Binder", "Made"]

LATEST: Final = (0, 159, 0)
"""The release whose rules apply unless another one is named."""
MIXED_SINCE: Final = (0, 125, 0)
"""Before this release a whole number and one with a fraction could not be joined."""
STRICT_SINCE: Final = (0, 153, 0)
"""Before this release a value of the wrong kind was left out without an error."""

_NO_LAMBDA: Final = (
    "lambda expression arguments require the `ottl.functions.enableLambda` feature gate to be enabled"
)
_LITERAL_NODES: Final = {
    "text": (ast.Text, "string"),
    "whole": (ast.Int, "int"),
    "number": (ast.Float, "float"),
    "flag": (ast.Const, "bool"),
}


class BindError(ValueError):
    """A name, argument or key that does not fit its place; the message is the collector's."""


@dataclass(frozen=True, slots=True)
class Binder:
    """Binds values to one context.

    Args:
        context: where the text is used.
        functions: converters by name.
        prefixed: whether every path must name its context.
        version: the collector release whose rules apply.
    """

    context: Context
    functions: FunctionTable
    prefixed: bool = False
    version: tuple[int, int, int] = LATEST

    def value(self, node: ast.Value) -> Getter:
        """A getter for a value.

        Raises:
            BindError: a name, argument or key does not fit.
        """
        match node:
            case ast.Nil():
                return literal(None)
            case ast.Text() | ast.Int() | ast.Float() | ast.Bytes() | ast.Const():
                return literal(node.value)
            case ast.Enum():
                return literal(self._enum(node.name))
            case ast.Path():
                return self._path(node)
            case ast.Call():
                return self.call(node)
            case ast.Math():
                mixed = self.version >= MIXED_SINCE
                return _math(self.value(node.left), node.op, self.value(node.right), mixed=mixed)
            case ast.Negate():
                return _negated(self.value(node.value))
            case ast.Lambda():
                raise BindError(_NO_LAMBDA)
            case ast.ListLiteral():
                return _gather([self.value(item) for item in node.items], GoList)
        keys = [key for key, _ in node.items]
        values = [self.value(value) for _, value in node.items]
        return _gather(values, lambda found: KeyValues(zip(keys, map(_entry, found), strict=True)))

    def _enum(self, name: str) -> int:
        found = ENUMS.get(self.context.name, {}).get(name)
        if found is None:
            raise BindError(f"enum symbol, {name}, not found")
        return found

    # -- paths -----------------------------------------------------------------------------------------------

    def _path(self, node: ast.Path) -> Getter:
        found = self._found(node)
        if not found.keys:
            plan = read_plan(found.rule.column) if found.rule.column else None
            return Getter(found.rule.axes, found.rule.get, plan=plan)
        keys = [self.value(key) for key in found.keys]
        made = _indexed(Getter(found.rule.axes, found.rule.get), keys, _map_step)
        axes, key = found.rule.axes, keys[0].get(Item()) if keys[0].constant else None
        if len(keys) == 1 and isinstance(key, str) and found.name == "attributes" and axes <= WITH_ATTRIBUTES:
            return replace(made, bulk=attribute_lookup(next(iter(axes)), key))
        return made

    def _found(self, node: ast.Path) -> _Found:
        names = tuple(field.name for field in node.fields)
        shown = _shown(node)
        owner, skip = self.context.name, 0
        contexts = (owner, *self.context.lower)
        first_has_keys = bool(node.fields[0].keys)
        if len(names) > 1 and names[0] in contexts and not first_has_keys:
            owner, skip = names[0], 1
        elif self.prefixed:
            if len(names) > 1 and not first_has_keys:
                options = ", ".join(quote(name) for name in contexts)
                raise BindError(
                    f"context {quote(names[0])} from path {quote(shown)} is not valid, it must be replaced by one of: "
                    f"{options}"
                )
            options = ", ".join(quote(f"{name}.{shown}") for name in contexts)
            raise BindError(
                f"missing context name for path {quote(shown)}, possibly valid options are: {options}"
            )
        try:
            rule, used = find_path(self.context, owner, names[skip:], shown)
        except PathError as exc:
            raise BindError(str(exc)) from exc
        if len(names) > skip + used:
            raise BindError(
                f"the path section {quote(names[skip + used])} was not used by the context - this likely means you "
                "are using extra path sections"
            )
        keys = [key for field in node.fields for key in field.keys]
        if keys and not rule.indexable:
            raise BindError(
                f"the keys indexing {quote(names[-1])} were not used by the context - this likely means you are "
                "trying to index a path that does not support indexing"
            )
        return _Found(owner, ".".join(names[skip : skip + used]), rule, keys)

    def target(self, node: ast.Value, kind: str) -> Target:
        """A path that is written to.

        Raises:
            BindError: it is no path, or one that this engine cannot write.
        """
        if not isinstance(node, ast.Path):
            raise BindError("must be a path")
        found = self._found(node)
        keys = [self.value(key) for key in found.keys]
        getter = self._path(node)
        made = setter_of(
            found.owner,
            found.name,
            [key.get for key in keys],
            strict=self.version >= STRICT_SINCE,
        )
        if made is None:
            raise BindError(f"writing to {_shown(node)} is not supported by the embedded engine")
        put, axis = made
        read = getter if kind == "target" else typed(kind.removesuffix("_target"), getter)
        return Target(read, put, axis, "" if keys else found.name)

    # -- calls -----------------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> Getter:
        """A getter for what a converter returns."""
        made = self.made(node)
        for key in node.keys:
            if isinstance(key, ast.Text) and key.value in made.function.unreadable:
                raise BindError(
                    f"{node.name} cannot be run by the embedded engine with the key {quote(key.value)}: by itself the "
                    "collector cannot use it either"
                )
        return (
            _indexed(made.getter, [self.value(key) for key in node.keys], _result_step)
            if node.keys
            else made.getter
        )

    def made(self, node: ast.Call) -> Made:
        """What a call makes: for editors the getter does the work and gives nil.

        Raises:
            BindError: there is no such function, or its arguments do not fit.
        """
        function = self._function(node.name)
        if function is None:
            raise BindError(f"undefined function {quote(node.name)}")
        if function.impure and not function.params:
            raise _cannot_run(function)
        try:
            arguments, getters, targets = self._arguments(function, node)
        except BindError as exc:
            raise BindError(f"error while parsing arguments for call to {quote(node.name)}: {exc}") from exc
        if function.impure:
            raise _cannot_run(function)
        try:
            evaluate = function.create(**arguments)
        except ValueError as exc:
            raise BindError(f"couldn't create function: {exc}") from exc
        axes = frozenset[Axis]().union(
            function.axes,
            *(getter.axes for getter in getters),
            *(target.getter.axes | {target.axis} for target in targets),
        )
        plan = function.plan(*getters) if function.plan is not None else None
        if plan is None and not axes and not function.writes:
            evaluate, plan = _fixed(evaluate)
        bulk = function.bulk(*getters) if function.bulk is not None else None
        writes = frozenset(target.axis for target in targets) | (
            {function.writes} if function.writes else set()
        )
        return Made(function, arguments, Getter(axes, evaluate, plan=plan, bulk=bulk), writes)

    def _function(self, name: str) -> Function | None:
        function = self.functions.get(name)
        if function is None or function.since > self.version:
            return None
        return function if function.contexts is None or self.context.name in function.contexts else None

    def _arguments(
        self, function: Function, node: ast.Call
    ) -> tuple[dict[str, Any], list[Getter], list[Target]]:
        params = function.params
        names = [name for name, _ in node.arguments]
        first_named = next((at for at, name in enumerate(names) if name), len(names))
        if any(not name for name in names[first_named:]):
            raise BindError("unnamed argument used after named argument")
        required = sum(not param.optional for param in params)
        if not required <= len(names) <= len(params):
            raise BindError(f"incorrect number of arguments. Expected: {len(params)} Received: {len(names)}")
        by_field = {param.field: param for param in params}
        made: dict[str, Any] = {}
        getters: list[Getter] = []
        targets: list[Target] = []
        for at, (name, value) in enumerate(node.arguments):
            param = by_field.get(field_name(name)) if name else params[at]
            if param is None:
                raise BindError(f"no such parameter: {name}")
            try:
                made[param.name] = self._argument(param, value, getters, targets)
            except (BindError, OttlError) as exc:
                raise BindError(f"invalid argument at position {at}: {exc}") from exc
        missing = [param.name for param in params if not param.optional and param.name not in made]
        if missing:
            raise BindError(f"missing required parameter: {missing[0]}")
        return made, getters, targets

    def _argument(self, param: Param, node: ast.Value, getters: list[Getter], targets: list[Target]) -> Any:
        if param.kind == "function":
            return self._named_function(node)
        if param.kind in TARGETS:
            target = self.target(node, param.kind)
            targets.append(target)
            return target
        if param.many:
            if not isinstance(node, ast.ListLiteral):
                raise BindError(f"must be a list of type {_LIST_NAMES.get(param.kind, 'Getter')}")
            found: list[Any] = []
            for at, item in enumerate(node.items):
                try:
                    found.append(self._single(param.kind, item, getters))
                except (BindError, OttlError) as exc:
                    raise BindError(f"error while parsing list argument at index {at}: {exc}") from exc
            return tuple(found)
        return self._single(param.kind, node, getters)

    def _single(self, kind: str, node: ast.Value, getters: list[Getter]) -> Any:
        if kind in LITERALS:
            wanted, name = _LITERAL_NODES[kind]
            if not isinstance(node, wanted):
                raise BindError(f"must be {'an' if name == 'int' else 'a'} {name}")
            literal_value: Any = getattr(node, "value", None)
            return literal_value
        if kind == "lambda" and not isinstance(node, ast.Lambda):
            raise BindError("must be a lambda expression")
        getter = typed(kind, self.value(node))
        getters.append(getter)
        return getter

    def _named_function(self, node: ast.Value) -> Function:
        if not isinstance(node, ast.Enum):
            raise BindError("invalid function name given")
        function = self._function(node.name)
        if function is None:
            raise BindError(f"undefined function {node.name}")
        if function.impure:
            raise _cannot_run(function)
        return function


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was bound."""

    function: Function
    arguments: dict[str, Any]
    getter: Getter
    """What it gives; calling it does what an editor does."""
    writes: frozenset[Axis]
    """What it changes."""


@dataclass(frozen=True, slots=True)
class _Found:
    owner: str
    name: str
    rule: PathRule
    keys: list[ast.Value]


_LIST_NAMES: Final = {
    "text": "string",
    "number": "float64",
    "whole": "int64",
    "string": "StringGetter",
    "string_like": "StringLikeGetter",
    "map": "PMapGetter",
    "slice": "PSliceGetter",
}


def _cannot_run(function: Function) -> BindError:
    return BindError(f"{function.name} cannot be run by the embedded engine: {function.impure}")


def _shown(node: ast.Path) -> str:
    """A path as the collector's messages have it: literal keys without quotes."""
    made = []
    for field in node.fields:
        keys = "".join(
            f"[{key.value}]" if isinstance(key, (ast.Text, ast.Int)) else "[]" for key in field.keys
        )
        made.append(f"{field.name}{keys}")
    return ".".join(made)


def _fixed(evaluate: Callable[[Item], Value]) -> tuple[Callable[[Item], Value], Plan | None]:
    """A call that depends on nothing, computed once; one that fails goes on failing for every item."""
    try:
        value = evaluate(Item())
    except OttlError:
        return evaluate, None
    return (lambda _item: value), literal(value).plan


def _gather(getters: Sequence[Getter], build: Callable[[list[Any]], Value]) -> Getter:
    if all(getter.constant for getter in getters):
        try:
            return literal(build([getter.get(Item()) for getter in getters]))
        except OttlError as exc:
            raise BindError(str(exc)) from exc
    axes = frozenset[Axis]().union(*(getter.axes for getter in getters))
    return Getter(axes, lambda item: build([getter.get(item) for getter in getters]))


def _entry(value: Value) -> AttributeValue:
    """A value inside of a map that is written down: a map, or a list of maps, may be one there."""
    if isinstance(value, KeyValues):
        return value
    if type(value) is GoList:
        return tuple(entry if isinstance(entry, KeyValues) else plain_value(entry) for entry in value)
    return plain_value(value)


def _math(left: Getter, op: str, right: Getter, *, mixed: bool) -> Getter:
    def get(item: Item) -> Value:
        return arithmetic(left.get(item), op, right.get(item), mixed=mixed)

    return Getter(left.axes | right.axes, get, plan=arithmetic_plan(left.plan, op, right.plan, mixed=mixed))


def _negated(inner: Getter) -> Getter:
    def get(item: Item) -> Value:
        value = inner.get(item)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise OttlError(f"unsupported type {kind_of(value)}")
        return arithmetic(0 if isinstance(value, int) else -0.0, "-", value, mixed=False)

    return literal(get(Item())) if inner.constant else Getter(inner.axes, get)


# -- indexing ---------------------------------------------------------------------------------------------------------

Step = Callable[[Value, Value, bool], Value]


def _indexed(target: Getter, keys: list[Getter], step: Step) -> Getter:
    axes = frozenset[Axis]().union(target.axes, *(key.axes for key in keys))

    def get(item: Item) -> Value:
        value = target.get(item)
        for at, key in enumerate(keys):
            value = step(value, key.get(item), at == 0)
        return value

    return Getter(axes, get)


def _map_step(value: Value, key: Value, first: bool) -> Value:
    """One key of a path: what is not there is nil."""
    if first and not isinstance(key, str):
        raise OttlError("first key must be a string")
    if isinstance(value, KeyValues):
        if not isinstance(key, str):
            raise OttlError("map must be indexed by a string")
        return value.get(key)
    if isinstance(value, tuple):
        return _slice_step(value, key)
    if value is None:
        return None
    raise OttlError(f"type {kind_of(value)} does not support string indexing")


def _slice_step(value: tuple[Any, ...], key: Value) -> Value:
    if isinstance(key, bool) or not isinstance(key, int):
        raise OttlError("slice must be indexed by an int")
    if not 0 <= key < len(value):
        raise OttlError(f"index {key} out of bounds")
    found: Value = value[key]
    return found


def _result_step(value: Value, key: Value, _first: bool) -> Value:
    """One key of what a converter returned: what is not there is an error."""
    if isinstance(value, KeyValues) and isinstance(key, str):
        if key not in value:
            raise OttlError("key not found in map")
        return value.get(key)
    if isinstance(value, tuple):
        return _slice_step(value, key)
    kind = "string" if isinstance(key, str) else "int"
    raise OttlError(f"type, {kind_of(value)}, does not support {kind} indexing")
