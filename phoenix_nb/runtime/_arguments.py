"""Checking the arguments of a call against its contract."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from phoenix_nb.errors import InvalidRequestError, JsonValue
from phoenix_nb.interfaces import Context, Value

__all__ = ["ArgumentCheck"]

_Check = Callable[[Any], Any]


class ArgumentCheck:
    """Binds the arguments of one method and checks each against its annotation.

    Values are validated again, so that one made with ``model_construct`` does not slip through. Plain types are strict:
    text is not a number. Annotations that nothing can check are let through.

    Args:
        contract: the method of the Protocol.
        where: ``Interface.method``, for messages.
    """

    def __init__(self, contract: Callable[..., Any], where: str) -> None:
        self._where = where
        self._signature = inspect.signature(contract)
        hints = get_type_hints(contract)
        self._checks: dict[str, _Check] = {}
        for name in self._signature.parameters:
            if name not in {"self", "ctx"} and name in hints:
                check = _check_of(hints[name])
                if check is not None:
                    self._checks[name] = check

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Context, inspect.BoundArguments]:
        """The context and the checked arguments, ``self`` included as ``None``.

        Raises:
            InvalidRequestError: an argument is missing, unknown or not what the contract says.
        """
        try:
            bound = self._signature.bind(None, *args, **kwargs)
        except TypeError as error:
            raise InvalidRequestError(
                f"{self._where}: {error}", hint="look at the method's signature"
            ) from error
        ctx = bound.arguments["ctx"]
        if not isinstance(ctx, Context):
            raise InvalidRequestError(
                f"{self._where}: the first argument must be a Context, not {type(ctx).__name__}",
                hint="pass Context.background()",
            )
        for name, value in bound.arguments.items():
            check = self._checks.get(name)
            if check is not None:
                bound.arguments[name] = self._checked(name, check, value)
        return ctx, bound

    def _checked(self, name: str, check: _Check, value: Any) -> Any:
        try:
            return check(value)
        except ValidationError as error:
            problems = [
                f"{'::'.join([name, *map(str, problem['loc'])])}: {problem['msg']}"
                for problem in error.errors(include_url=False)
            ]
        except TypeError as error:
            problems = [f"{name}: {error}"]
        listed: list[JsonValue] = [*problems]
        raise InvalidRequestError(
            f"{self._where}: {problems[0]}" + (f" (and {len(problems) - 1} more)" if problems[1:] else ""),
            hint="docs/interfaces.md describes every field",
            details={"argument": name, "problems": listed},
        )


def _check_of(hint: Any) -> _Check | None:
    origin, args = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType} and type(None) in args and len(args) == 2:
        inner = _check_of(next(arg for arg in args if arg is not type(None)))
        return None if inner is None else lambda value: None if value is None else inner(value)
    if origin is Sequence and args and isinstance(args[0], type) and issubclass(args[0], Value):
        return _values(args[0])
    if isinstance(hint, type) and issubclass(hint, Value):
        return _value(hint)
    try:
        adapter = TypeAdapter(hint)
    except PydanticUserError:
        return _instance(hint) if isinstance(hint, type) else None
    return lambda value: adapter.validate_python(value, strict=True)


def _value(kind: type[Value]) -> _Check:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            message = f"must be {kind.__name__}, not {type(value).__name__}"
            raise TypeError(message)
        return type(value).model_validate(value.model_dump(round_trip=True, warnings=False))

    return check


def _values(kind: type[Value]) -> _Check:
    one = _value(kind)

    def check(values: Any) -> Any:
        if not isinstance(values, Sequence) or isinstance(values, str | bytes):
            message = f"must be a sequence of {kind.__name__}, not {type(values).__name__}"
            raise TypeError(message)
        return tuple(one(value) for value in values)

    return check


def _instance(kind: type[Any]) -> _Check | None:
    if getattr(kind, "_is_protocol", False) and not getattr(kind, "_is_runtime_protocol", False):
        return None

    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            message = f"must be {kind.__name__}, not {type(value).__name__}"
            raise TypeError(message)
        return value

    return check
