"""From syntax to getters: names become paths, functions and enums of one context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._context import ENUMS, Axis, Context, Item, PathError, find_path
from phoenix_nb.collector.ottl._function import LITERALS, Function, FunctionTable, Param
from phoenix_nb.collector.ottl._getters import Getter, literal, typed
from phoenix_nb.collector.ottl._runtime import OttlError, OttlTypeError, Value, arithmetic, kind_of
from phoenix_nb.otlp import KeyValues

__all__ = ["Binder", "BindError"]

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
    """

    context: Context
    functions: FunctionTable
    prefixed: bool = False

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
                return _math(self.value(node.left), node.op, self.value(node.right))
            case ast.Negate():
                return _negated(self.value(node.value))
            case ast.ListLiteral():
                return _gather([self.value(item) for item in node.items], tuple)
        keys = [key for key, _ in node.items]
        values = [self.value(value) for _, value in node.items]
        return _gather(values, lambda found: KeyValues(zip(keys, found, strict=True)))

    def _enum(self, name: str) -> int:
        found = ENUMS.get(self.context.name, {}).get(name)
        if found is None:
            raise BindError(f"enum symbol, {name}, not found")
        return found

    # -- paths -----------------------------------------------------------------------------------------------

    def _path(self, node: ast.Path) -> Getter:
        names = tuple(field.name for field in node.fields)
        shown = ".".join(names)
        owner, skip = self.context.name, 0
        if len(names) > 1 and (names[0] == owner or names[0] in self.context.lower):
            owner, skip = names[0], 1
        elif self.prefixed:
            raise BindError(
                f'missing context name for path "{shown}", possibly valid options are: "{self.context.name}.{shown}"'
                + "".join(f', "{lower}.{shown}"' for lower in self.context.lower)
            )
        try:
            rule, used = find_path(self.context, owner, names[skip:], shown)
        except PathError as exc:
            raise BindError(str(exc)) from exc
        if len(names) > skip + used:
            raise BindError(
                f'the path section "{".".join(names[skip + used :])}" was not used by the context - this likely '
                "means you are using extra path sections"
            )
        keys = [key for field in node.fields for key in field.keys]
        if keys and not rule.indexable:
            raise BindError(
                f'the keys indexing "{names[-1]}" were not used by the context - this likely means you are trying to '
                "index a path that does not support indexing"
            )
        if not keys:
            plan = ("column", rule.column) if rule.column else None
            return Getter(rule.axes, rule.get, plan=plan)
        return _indexed(Getter(rule.axes, rule.get), [self.value(key) for key in keys], _map_step)

    # -- calls -----------------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> Getter:
        """A getter for what a converter returns."""
        function = self.functions.get(node.name)
        if function is None or (function.contexts is not None and self.context.name not in function.contexts):
            raise BindError(f'undefined function "{node.name}"')
        if function.impure:
            raise BindError(f"{node.name} cannot be run on recorded data: {function.impure}")
        try:
            arguments, getters = self._arguments(function, node)
        except BindError as exc:
            raise BindError(f'error while parsing arguments for call to "{node.name}": {exc}') from exc
        try:
            evaluate = function.create(**arguments)
        except ValueError as exc:
            raise BindError(f"couldn't create function: {exc}") from exc
        axes = frozenset[Axis]().union(function.axes, *(getter.axes for getter in getters))
        plan = function.plan(*getters) if function.plan is not None else None
        made = Getter(axes, evaluate, plan=plan)
        return _indexed(made, [self.value(key) for key in node.keys], _result_step) if node.keys else made

    def _arguments(self, function: Function, node: ast.Call) -> tuple[dict[str, Any], list[Getter]]:
        params = function.params
        required = sum(not param.optional for param in params)
        if not required <= len(node.arguments) <= len(params):
            raise BindError(
                f"incorrect number of arguments. Expected: {len(params)} Received: {len(node.arguments)}"
            )
        by_name = {param.name: param for param in params}
        made: dict[str, Any] = {}
        getters: list[Getter] = []
        named = False
        for at, (name, value) in enumerate(node.arguments):
            if name:
                named = True
                param = by_name.get(name)
                if param is None:
                    raise BindError(f"no such parameter: {name}")
            elif named:
                raise BindError("unnamed argument used after named argument")
            else:
                param = params[at]
            try:
                made[param.name] = self._argument(param, value, getters)
            except (BindError, OttlTypeError) as exc:
                where = f"position {at}" if not name else f"position {at} ({name})"
                raise BindError(f"invalid argument at {where}: {exc}") from exc
        missing = [param.name for param in params if not param.optional and param.name not in made]
        if missing:
            raise BindError(f"missing required parameter: {missing[0]}")
        return made, getters

    def _argument(self, param: Param, node: ast.Value, getters: list[Getter]) -> Any:
        if param.many:
            if not isinstance(node, ast.ListLiteral):
                raise BindError("must be a list of values")
            found = tuple(typed(param.kind, self.value(item)) for item in node.items)
            getters.extend(found)
            return found
        if param.kind in LITERALS:
            kind, name = _LITERAL_NODES[param.kind]
            if not isinstance(node, kind):
                raise BindError(f"must be a {name}" if name != "int" else "must be an int")
            return node.value
        getter = typed(param.kind, self.value(node))
        getters.append(getter)
        return getter


def _gather(getters: Sequence[Getter], build: Callable[[list[Any]], Value]) -> Getter:
    axes = frozenset[Axis]().union(*(getter.axes for getter in getters))
    return Getter(axes, lambda item: build([getter.get(item) for getter in getters]))


def _math(left: Getter, op: str, right: Getter) -> Getter:
    def get(item: Item) -> Value:
        return arithmetic(left.get(item), op, right.get(item), mixed=False)

    return Getter(left.axes | right.axes, get)


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
