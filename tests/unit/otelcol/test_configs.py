"""Which engine runs a configuration, as the services decide it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phoenix_nb.collector import EmbeddedEngine
from phoenix_nb.errors import UnavailableError
from phoenix_nb.interfaces import EngineKind, PipelineConfig
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.otlp.contracts import PipelineEngine
from phoenix_nb.services import ConfigCompiler

TEXT = """
receivers: {otlp: {protocols: {grpc: {}}}}
exporters: {debug: {}}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}}
"""
FOREIGN = TEXT.replace("exporters: {debug: {}}", "exporters: {debug: {}, datadog: {api: {key: x}}}").replace(
    "exporters: [debug]", "exporters: [datadog]"
)


class Compiler:
    """Remembers what it was asked to compile."""

    def __init__(self) -> None:
        self.asked: list[PipelineConfig] = []

    async def engine_factory(self, config: PipelineConfig) -> Callable[[Dictionaries], PipelineEngine]:
        self.asked.append(config)
        return lambda _: pytest.fail("nobody asked for an engine")


@pytest.mark.parametrize("own", [EngineKind.EMBEDDED, EngineKind.OTELCOL])
@pytest.mark.parametrize("wanted", [EngineKind.EMBEDDED, EngineKind.OTELCOL])
async def test_the_real_collector_runs_what_pipeline_or_experiment_wants(
    own: EngineKind, wanted: EngineKind
) -> None:
    compiler = Compiler()
    config = PipelineConfig(yaml=TEXT, engine=own)
    factory = await ConfigCompiler({}, compiler).engine_factory(config, wanted)
    if EngineKind.OTELCOL in (own, wanted):
        assert compiler.asked == [config]
    else:
        assert compiler.asked == []
        assert isinstance(factory(Dictionaries()), EmbeddedEngine)


async def test_without_a_collector_its_engine_is_refused() -> None:
    with pytest.raises(UnavailableError, match="cannot be run here"):
        await ConfigCompiler({}).engine_factory(PipelineConfig(yaml=TEXT), EngineKind.OTELCOL)


async def test_what_only_the_real_collector_has_is_left_to_it() -> None:
    compiler = ConfigCompiler({}, Compiler())
    embedded = await compiler.validate(PipelineConfig(yaml=FOREIGN))
    assert not embedded.valid
    real = await compiler.validate(PipelineConfig(yaml=FOREIGN, engine=EngineKind.OTELCOL))
    assert real.valid
    assert real.problems == ()
    assert real.sections is None
