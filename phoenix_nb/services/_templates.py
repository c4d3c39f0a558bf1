"""The catalogue as templates, and configurations made from them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from phoenix_nb.collector import CatalogEntry, catalog
from phoenix_nb.errors import ConfigError, InvalidRequestError, JsonValue
from phoenix_nb.interfaces import (
    ConfigGenerated,
    Context,
    GeneratedConfig,
    OptimizationRequest,
    OptimizedConfig,
    Pipeline,
    PipelineConfig,
    PipelineTemplate,
    Problem,
    Severity,
    TemplateVariable,
)
from phoenix_nb.services._configs import ConfigCompiler
from phoenix_nb.services._optimizing import RecordingOptimizer
from phoenix_nb.services._publisher import Publisher

__all__ = ["CatalogTemplates", "TemplateConfigGenerator", "config_error"]

_UNSAFE = re.compile(r"[\x00-\x1f\"'${}]")
_BOOLEANS = ("true", "false")
_CRITICAL = "PHOENIX_CRITICAL_PROCESSES"
_RECORDING = "recording:"
"""A value that begins so names the recording that the value is learned from."""


class CatalogTemplates:
    """The shipped catalogue (``TemplateCatalog``)."""

    async def list_templates(self, ctx: Context) -> Sequence[PipelineTemplate]:
        ctx.check()
        return tuple(_template(catalog.load(name)) for name in catalog.names())

    async def get_template(self, ctx: Context, name: str) -> PipelineTemplate:
        ctx.check()
        return _template(catalog.load(name))


def _template(entry: CatalogEntry) -> PipelineTemplate:
    about = entry.metadata
    return PipelineTemplate(
        name=entry.name,
        title=about.title,
        description=about.description,
        variables=tuple(
            TemplateVariable(name=one.name, description=one.description, type=one.type, default=one.default)
            for one in about.parameters
        ),
        yaml=entry.yaml,
    )


class TemplateConfigGenerator:
    """Fills in catalogue entries and checks what is to be deployed (``ConfigGenerator``).

    Args:
        templates: the catalogue.
        compiler: checks configurations.
        publisher: tells that a configuration was made.
        optimizer: searches configurations.
    """

    def __init__(
        self,
        templates: CatalogTemplates,
        compiler: ConfigCompiler,
        publisher: Publisher,
        optimizer: RecordingOptimizer,
    ) -> None:
        self._templates = templates
        self._compiler = compiler
        self._publisher = publisher
        self._optimizer = optimizer

    async def optimize_config(self, ctx: Context, request: OptimizationRequest) -> OptimizedConfig:
        return await self._optimizer.optimize(ctx, request)

    async def generate_config(self, ctx: Context, pipeline: Pipeline) -> GeneratedConfig:
        found = await self._compiler.validate(pipeline.config)
        if not found.valid:
            raise config_error(found.problems)
        text = pipeline.config.yaml
        digest = hashlib.sha256(text.encode()).hexdigest()
        await self._publisher.publish(
            ctx,
            pipeline.id,
            ConfigGenerated(pipeline_id=pipeline.id, template=pipeline.template, sha256=digest),
        )
        return GeneratedConfig(yaml=text, sha256=digest, problems=found.problems)

    async def apply_template(self, ctx: Context, name: str, variables: Mapping[str, str]) -> PipelineConfig:
        template = await self._templates.get_template(ctx, name)
        known = {one.name: one for one in template.variables}
        unknown = sorted(set(variables) - set(known))
        if unknown:
            raise InvalidRequestError(
                f"the template {name} has no variable {unknown[0]!r}",
                hint=f"it has {', '.join(known)}",
                details={"template": name, "unknown": [*unknown]},
            )
        filled = await self._filled(ctx, known, variables)
        text = template.yaml
        for key, value in filled.items():
            _check_value(known[key], value)
            pattern = re.compile(rf"\$\{{env:{re.escape(key)}(:-[^}}]*)?\}}")
            text = pattern.sub(value.replace("\\", "\\\\"), text)
        config = PipelineConfig(yaml=text)
        checked = await self._compiler.validate(config)
        if not checked.valid:
            raise InvalidRequestError(
                f"the template {name} is not valid with these values: {checked.problems[0]}",
                hint="the description of each variable says how it is written",
                details={"template": name},
            )
        return config

    async def _filled(
        self, ctx: Context, known: Mapping[str, TemplateVariable], variables: Mapping[str, str]
    ) -> dict[str, str]:
        """The variables with what a recording says in place of its path."""
        critical = variables.get(_CRITICAL) or (known[_CRITICAL].default if _CRITICAL in known else "") or ""
        made = {}
        for key, value in variables.items():
            path = value.removeprefix(_RECORDING)
            if path != value:
                made[key] = await self._optimizer.ranked_value(ctx, key, path, critical)
            else:
                made[key] = value
        return made


def _check_value(variable: TemplateVariable, value: str) -> None:
    problem = ""
    if variable.valid_values and value not in variable.valid_values:
        problem = f"it must be one of {', '.join(variable.valid_values)}"
    elif variable.type == "boolean" and value not in _BOOLEANS:
        problem = "it must be true or false"
    elif variable.type == "number" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        problem = "it must be a number"
    elif not value or _UNSAFE.search(value):
        problem = "it must be plain text without quotes, dollar signs, braces and line breaks"
    if problem:
        raise InvalidRequestError(
            f"{variable.name} cannot be {value!r}: {problem}",
            hint=variable.description,
            details={"variable": variable.name},
        )


def config_error(problems: Sequence[Problem]) -> ConfigError:
    """The error that carries the findings of a check, at least one of them an error."""
    listed: list[JsonValue] = [one.model_dump(mode="json") for one in problems]
    errors = [one for one in problems if one.severity is Severity.ERROR]
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    where = f"{first.path}: " if first.path else ""
    return ConfigError(f"{where}{first.message}{more}", hint=first.hint, details={"problems": listed})
