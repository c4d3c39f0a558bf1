"""One typed mock for every Protocol.

>>> import asyncio
>>> from phoenix_nb.interfaces import Context, ServiceRegistry
>>> mock = TypedMock(ServiceRegistry)
>>> mock.on("discover").returns(())
>>> registry = mock.object
>>> asyncio.run(registry.discover(Context.background(), "experiments"))
()
>>> mock.calls("discover")[0].arguments
{'name': 'experiments'}
"""

from __future__ import annotations

import functools
import inspect
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from phoenix_nb.interfaces import Context
from phoenix_nb.runtime._arguments import ArgumentCheck

__all__ = ["Answers", "RecordedCall", "TypedMock", "UnexpectedCallError"]

P = TypeVar("P")


class UnexpectedCallError(AssertionError):
    """A method was called that nobody had given an answer for."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call that a mock saw."""

    method: str
    """Name of the method."""
    ctx: Context
    """The context it came with."""
    arguments: dict[str, Any]
    """The other arguments by name, defaults left out."""


class Answers:
    """What one method of a mock answers: first everything queued, in order, then the standing answer."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._queue: deque[Callable[[], Any]] = deque()
        self._standing: Callable[[], Any] | None = None

    def returns(self, answer: Any) -> None:
        """Answer this from now on."""
        self._standing = lambda: answer

    def returns_once(self, *answers: Any) -> None:
        """Answer these next, one per call."""
        self._queue.extend(functools.partial(lambda answer: answer, answer) for answer in answers)

    def raises(self, error: BaseException) -> None:
        """Raise this from now on."""
        self._standing = functools.partial(_throw, error)

    def raises_once(self, error: BaseException) -> None:
        """Raise this at the next call."""
        self._queue.append(functools.partial(_throw, error))

    def yields(self, *items: Any) -> None:
        """Answer a stream of these items from now on, a fresh one per call."""
        self._standing = lambda: _stream(items)

    def _answer(self) -> Any:
        if self._queue:
            return self._queue.popleft()()
        if self._standing is None:
            message = f"{self._where} was called, but the mock has no answer for it"
            raise UnexpectedCallError(message)
        return self._standing()


class TypedMock(Generic[P]):
    """A mock of a Protocol that checks arguments like the real thing and remembers every call.

    ``object`` satisfies the Protocol. Unknown method names and wrong arguments are errors, so that a mock cannot drift
    from its contract.

    Args:
        interface: the Protocol.
    """

    def __init__(self, interface: type[P]) -> None:
        self._interface = interface
        self._calls: list[RecordedCall] = []
        self._answers: dict[str, Answers] = {}
        members: dict[str, Any] = {}
        for name, member in inspect.getmembers(interface):
            if name.startswith("_"):
                continue
            if isinstance(member, property):
                self._answers[name] = Answers(f"{interface.__name__}.{name}")
                members[name] = property(functools.partial(self._read, name))
            elif inspect.isfunction(member):
                self._answers[name] = Answers(f"{interface.__name__}.{name}")
                members[name] = self._method(name, member)
        self.object: P = cast("P", type(f"Mock{interface.__name__}", (), members)())

    def on(self, method: str) -> Answers:
        """What ``method`` answers."""
        if method not in self._answers:
            message = f"{self._interface.__name__} has no {method}; it has {', '.join(sorted(self._answers))}"
            raise AttributeError(message)
        return self._answers[method]

    def calls(self, method: str | None = None) -> list[RecordedCall]:
        """The calls so far, in order; of one method when it is given."""
        if method is not None:
            self.on(method)
        return [call for call in self._calls if method is None or call.method == method]

    def _read(self, name: str, _object: object) -> Any:
        return self._answers[name]._answer()  # noqa: SLF001 - the mock owns its answers

    def _method(self, name: str, contract: Callable[..., Any]) -> Callable[..., Any]:
        where = f"{self._interface.__name__}.{name}"
        check = ArgumentCheck(contract, where) if "ctx" in inspect.signature(contract).parameters else None

        def record(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            ctx, arguments = Context.background(), {}
            if check is not None:
                ctx, bound = check.bind(args, kwargs)
                arguments = {key: item for key, item in bound.arguments.items() if key not in {"self", "ctx"}}
            self._calls.append(RecordedCall(name, ctx, arguments))
            return self._answers[name]._answer()  # noqa: SLF001

        if inspect.iscoroutinefunction(contract):

            @functools.wraps(contract)
            async def call(_object: object, *args: Any, **kwargs: Any) -> Any:
                return record(args, kwargs)

            return call

        @functools.wraps(contract)
        def plain(_object: object, *args: Any, **kwargs: Any) -> Any:
            return record(args, kwargs)

        return plain


def _throw(error: BaseException) -> None:
    raise error


async def _stream(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item
