"""What every contract-test class shares."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar, TypeVar

import pytest

from phoenix_nb.interfaces import Context

__all__ = ["CTX", "PATIENCE", "Contract", "drain", "eventually", "take"]

T = TypeVar("T")
CTX = Context.background(principal="contract")
"""The context of every call that has no special one."""
PATIENCE = 10.0
"""Seconds after which something that should have happened has not."""


class Contract:
    """The root of the contract-test classes.

    To test an implementation: subclass the class of its interface under a name that begins with ``Test``, and define a
    fixture ``subject`` that gives a fresh implementation (and the other fixtures that the class's docstring names).
    Everything else is inherited::

        class TestDuckDbExperimentStore(ExperimentStoreContract):
            @pytest.fixture
            async def subject(self, tmp_path):
                async with open_store(tmp_path) as store:
                    yield store.experiments
    """

    pytestmark = pytest.mark.asyncio
    interface: ClassVar[type[Any]]
    """The Protocol."""

    async def test_it_offers_every_method_as_declared(self, subject: object) -> None:
        assert isinstance(subject, self.interface)
        for name, declared in inspect.getmembers(self.interface, inspect.isfunction):
            if name.startswith("_"):
                continue
            offered = getattr(subject, name)
            wanted = [*inspect.signature(declared).parameters.values()][1:]
            got = inspect.signature(offered).parameters
            assert [one.name for one in wanted] == [*got][: len(wanted)], f"{name}: other parameters"
            for one in wanted:
                same = got[one.name]
                assert same.kind is one.kind, f"{name}({one.name}) is passed differently"
                assert same.default == one.default, f"{name}({one.name}) has another default"
            extra = [*got.values()][len(wanted) :]
            assert all(one.default is not one.empty for one in extra), f"{name} asks for more than declared"
            assert inspect.iscoroutinefunction(declared) == inspect.iscoroutinefunction(offered), (
                f"{name} is not asynchronous where the contract is, or the other way round"
            )


async def eventually(question: Callable[[], Awaitable[T]], accept: Callable[[T], bool]) -> T:
    """Ask again until the answer is accepted; fails with the last answer after ten seconds."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        answer = await question()
        if accept(answer):
            return answer
        assert asyncio.get_running_loop().time() < deadline, f"still {answer!r} after {PATIENCE:g} s"
        await asyncio.sleep(0.02)


async def take(stream: AsyncIterator[T], count: int) -> list[T]:
    """The next ``count`` items; fails when they do not come within ten seconds."""
    items: list[T] = []
    async with asyncio.timeout(PATIENCE):
        while len(items) < count:
            items.append(await anext(stream))
    return items


async def drain(stream: AsyncIterator[T]) -> list[T]:
    """All items until the stream ends; fails when it does not within ten seconds."""
    async with asyncio.timeout(PATIENCE):
        return [item async for item in stream]
