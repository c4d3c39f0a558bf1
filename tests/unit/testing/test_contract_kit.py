"""The kit itself: every Protocol has a contract class that calls each of its methods; mocks check and remember."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import pytest

import phoenix_nb.interfaces as interfaces
from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.interfaces import Context, ExperimentService, ServiceEvent, ServiceRegistry
from phoenix_nb.otlp import contracts as frame_contracts
from phoenix_nb.testing import TypedMock, UnexpectedCallError, contracts, seeded_parts
from phoenix_nb.testing.samples import T0, sample_experiment, sample_instance

# What is not called by others but injected (a clock, ids) or handed out (a stream) has no class of its own.
_WITHOUT = {"Clock", "IdFactory", "EventStream"}


def _protocols(module: Any) -> list[type[Any]]:
    found = [getattr(module, name) for name in module.__all__]
    return [one for one in found if isinstance(one, type) and getattr(one, "_is_protocol", False)]


PROTOCOLS = [
    one for one in (*_protocols(interfaces), *_protocols(frame_contracts)) if one.__name__ not in _WITHOUT
]
CONTRACTS = {
    one.interface: one
    for one in (getattr(contracts, name) for name in contracts.__all__)
    if isinstance(one, type) and issubclass(one, contracts.Contract) and hasattr(one, "interface")
}


def _methods(protocol: type[Any]) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.__name__)
def test_every_method_is_exercised(protocol: type[Any]) -> None:
    assert protocol in CONTRACTS, f"{protocol.__name__} has no contract class"
    module = inspect.getmodule(CONTRACTS[protocol])
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert _methods(protocol) <= called, f"not exercised: {_methods(protocol) - called}"


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.__name__)
def test_every_method_is_documented_typed_and_takes_a_context_first(protocol: type[Any]) -> None:
    assert getattr(protocol, "_is_runtime_protocol", False)
    assert protocol.__doc__
    assert len(_methods(protocol)) <= 10, "split it: one role per Protocol"
    for name in _methods(protocol):
        member = getattr(protocol, name)
        assert member.__doc__, f"{name} has no docstring"
        signature = inspect.signature(member)
        assert signature.return_annotation is not signature.empty
        parameters = [*signature.parameters.values()][1:]
        assert all(one.annotation is not one.empty for one in parameters)
        assert not any("Any" in str(one.annotation) or "dict[" in str(one.annotation) for one in parameters)
        if protocol.__name__ in ("PipelineEngine", "SavableEngine"):
            # Synchronous on purpose: it is called between two awaits of its owner.
            assert not inspect.iscoroutinefunction(member)
        elif name != "aclose":
            assert parameters[0].name == "ctx", f"{name} does not take a context first"
            assert inspect.iscoroutinefunction(member) or "AsyncIterator" in str(signature.return_annotation)


CTX = Context.background()


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.__name__)
def test_a_mock_satisfies_its_protocol(protocol: type[Any]) -> None:
    mock = TypedMock(protocol)
    for name, member in inspect.getmembers(protocol):
        if isinstance(member, property):
            mock.on(name).returns(None)
    assert isinstance(mock.object, protocol)


async def test_a_mock_answers_and_remembers() -> None:
    mock = TypedMock(ServiceRegistry)
    one = sample_instance()
    mock.on("discover").returns((one,))
    mock.on("discover").returns_once(())
    mock.on("discover").raises_once(NotFoundError("gone"))
    assert await mock.object.discover(CTX, "a") == ()
    with pytest.raises(NotFoundError):
        await mock.object.discover(CTX, name="b")
    assert await mock.object.discover(CTX, "c") == (one,)
    assert [call.arguments["name"] for call in mock.calls("discover")] == ["a", "b", "c"]
    assert mock.calls()[0].ctx is CTX


async def test_a_mock_gives_streams() -> None:
    mock = TypedMock(ServiceRegistry)
    events = [
        ServiceEvent(type=change, service=sample_instance(), at=T0)
        for change in ("registered", "deregistered")
    ]
    mock.on("watch").yields(*events)
    for _ in range(2):
        assert [item async for item in await mock.object.watch(CTX, "a")] == events
    mock.on("watch").raises(NotFoundError("gone"))
    with pytest.raises(NotFoundError):
        await mock.object.watch(CTX, "a")


async def test_a_mock_cannot_drift_from_its_contract() -> None:
    mock = TypedMock(ExperimentService)
    with pytest.raises(AttributeError, match="get_experiment"):
        mock.on("get_experimnt")
    with pytest.raises(AttributeError):
        mock.calls("get_experimnt")
    with pytest.raises(UnexpectedCallError, match="no answer"):
        await mock.object.get_experiment(CTX, "exp_1")
    mock.on("get_experiment").returns(sample_experiment())
    with pytest.raises(InvalidRequestError):
        await mock.object.get_experiment("exp_1")  # type: ignore[arg-type,call-arg]
    assert await mock.object.get_experiment(CTX, "exp_1") == sample_experiment()


def test_seeded_parts_repeat() -> None:
    one, two = seeded_parts(3), seeded_parts(3)
    assert one[1].new("exp") == two[1].new("exp")
    assert one[0].now() == two[0].now()
