"""The real collector for tests, its absence said aloud, and nothing left running."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from phoenix_nb.errors import UnavailableError
from phoenix_nb.otelcol import CollectorBinary, OtelcolEngine, find_collector, rewrite
from phoenix_nb.otlp import Dictionaries


@pytest.fixture(scope="session")
def collector() -> CollectorBinary:
    """The collector; skips when there is none, and fails instead where everything must be there."""
    given = os.environ.get("PHOENIX_COLLECTOR_BINARY")
    try:
        return find_collector(Path(given) if given else None)
    except UnavailableError as error:
        message = f"no real collector: {error.message}; .ci/install-otelcol builds one"
        if os.environ.get("PHOENIX_REQUIRE_SERVERS") == "1":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def start(collector: CollectorBinary) -> Iterator[Callable[..., OtelcolEngine]]:
    """Starts engines that are closed after the test."""
    with ExitStack() as stack:

        def make(
            text: str, dictionaries: Dictionaries, environment: dict[str, str] | None = None
        ) -> OtelcolEngine:
            variables = {"PATH": os.defpath, **(environment or {})}
            ready = rewrite(text, variables, exporter_type=collector.exporter_type)
            engine = OtelcolEngine(collector, ready, dictionaries, variables)
            stack.callback(engine.close)
            return engine

        yield make


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail when a child of this process is left after the test."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    _, alive = psutil.wait_procs(left, timeout=5)
    assert not alive, f"left running: {[child.name() for child in alive]}"
