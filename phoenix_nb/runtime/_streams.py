"""Streams that end with their context and only raise domain errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Self, cast

from phoenix_nb.errors import CallCancelledError, InternalError, PhoenixError
from phoenix_nb.interfaces import Context, EventStream
from phoenix_nb.runtime._leash import Leash

__all__ = ["guard_stream"]


class _Guarded:
    """Passes items on; ends when the context is cancelled; turns what is not a domain error into one."""

    def __init__(self, ctx: Context, where: str, inner: AsyncIterator[Any]) -> None:
        self._ctx, self._where, self._inner = ctx, where, inner
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self._ctx.token.cancelled and not self._ended:
            await self.aclose()
        if self._ended:
            raise StopAsyncIteration
        try:
            with Leash(self._ctx, deadline=False):
                return await anext(self._inner)
        except CallCancelledError:
            await self.aclose()
            if not self._ctx.token.cancelled:
                raise
            raise StopAsyncIteration from None
        except (PhoenixError, StopAsyncIteration):
            self._ended = True
            raise
        except Exception as error:
            await self.aclose()
            raise InternalError(
                f"the stream of {self._where} failed: {type(error).__name__}: {error}",
                hint="this is a defect of Phoenix; please report it with the traceback",
            ) from error

    async def aclose(self) -> None:
        """End the stream and release what it holds. May be called twice."""
        self._ended = True
        close = getattr(self._inner, "aclose", None)
        if close is not None:
            await close()


class _GuardedEvents(_Guarded):
    """The same for a subscription."""

    @property
    def subscription_id(self) -> str:
        return cast("EventStream", self._inner).subscription_id

    async def __aenter__(self) -> Self:
        await cast("EventStream", self._inner).__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._ended = True
        await cast("EventStream", self._inner).__aexit__(*exc_info)


def guard_stream(ctx: Context, where: str, inner: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """``inner`` behind the guard, still an ``EventStream`` when it was one."""
    kind = _GuardedEvents if isinstance(inner, EventStream) else _Guarded
    return kind(ctx, where, inner)
