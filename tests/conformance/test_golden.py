"""The open reference cases of the collector's contrib distribution, release 0.124.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from phoenix_nb.collector import validate_config
from phoenix_nb.collector.config import ExpansionError, expand, load_yaml
from phoenix_nb.errors import UnsupportedComponentError
from phoenix_nb.interfaces.pipeline import Severity
from tests.conformance.comparing import difference, rules_of
from tests.conformance.engine import one_component, start
from tests.conformance.places import SHARED
from tests.conformance.support import skip_refused, skip_unsupported

_FOLDER = SHARED / "reference" / "otel_golden"
_VERSION = "0.124.1"
Tree = dict[str, Any]


def _cases(*kinds: str) -> list[Any]:
    index = _FOLDER / "cases.yaml"
    if not index.is_file():
        return [pytest.param({}, marks=pytest.mark.skip("no shared data"))]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    cases = yaml.load(index.read_text(), loader)["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases if case["kind"] in kinds]


def _load(name: str) -> Tree:
    if name == "EMPTY":
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: Tree = yaml.load((_FOLDER / name).read_text(), loader)
    return found or {}


# -- the comparison itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", _cases("comparator"))
def test_comparison_gives_the_verdict_of_the_reference(case: Tree) -> None:
    expected, actual = _load(case["expected"]), _load(case["actual"])
    for options, verdict in (((), "verdict_without_options"), (case["options"], "verdict_with_options")):
        found = difference(expected, actual, rules_of(options))
        assert (found is None) == (case[verdict] == "equal"), found


# -- expansion of variables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", _cases("env-expansion"))
def test_variables_expand_as_in_the_collector(case: Tree) -> None:
    from phoenix_nb.collector.config import BOOL, INT, TEXT, Items, Refused

    kinds: dict[str, Any] = {"int": INT, "string": TEXT, "bool": BOOL, "slice": Items(TEXT)}
    tree = load_yaml((_FOLDER / case["config_file"]).read_text())
    wanted = case["expected_value"]
    try:
        made = expand(tree, case["env"])
        assert isinstance(made, dict)
        value = kinds[case["decode_field_as"]].decode(("field",), "field", made["field"], None)
    except (ExpansionError, Refused):
        assert wanted == "ERROR"
        return
    assert (list(value) if isinstance(value, tuple) else value) == wanted


# -- configurations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", _cases("config"))
def test_configuration_is_accepted_or_refused_as_in_the_collector(case: Tree) -> None:
    kind, _, name = case["component"].partition("/")
    raw = (_FOLDER / case["config_file"]).read_text()
    if case["component"] == "otelcol validate":
        # The reference build has components named nop in every section; here they are others without effect.
        text = _with_present_components(raw)
    else:
        loaded = yaml.safe_load(raw)
        settings = loaded if case["config_key"] is None else loaded[case["config_key"]]
        if kind == "receiver" and isinstance(settings, dict) and "receivers" in settings:
            settings = next(iter(settings["receivers"].values()))
        text = one_component(kind, name, settings)
    errors = [
        problem
        for problem in validate_config(text, collector_version=_VERSION)
        if problem.severity is Severity.ERROR
    ]
    if any(problem.code == "COMPONENT_UNSUPPORTED" for problem in errors):
        skip_refused(errors)
    if case["expect"] == "ok":
        # These cases end with the checks on settings: whether a component can be built from them is another matter.
        errors = [problem for problem in errors if problem.code != "CONFIG_BUILD"]
        assert not errors, errors[0].collector_text
        return
    assert errors
    texts = [f"{problem.collector_text} {problem.message}" for problem in errors]
    for wanted in case.get("error_contains", ()):
        if case["component"] == "otelcol validate":
            wanted = re.sub(r'connector "nop/', 'connector "forward/', wanted)
        assert any(wanted in text for text in texts), f"expected {wanted}\nfound {texts}"


def _with_present_components(text: str) -> str:
    """The reference build has components named nop in every section; here others stand for some of them."""
    tree = yaml.safe_load(text)
    service = tree.get("service") or {}
    pipelines = service.get("pipelines", {})
    stand_ins = _STAND_INS | {"connectors": "exceptions" if _joins_signals(pipelines) else "forward"}
    for section, name in stand_ins.items():
        tree[section] = {_renamed(key, name): value for key, value in (tree.get(section) or {}).items()}
    connectors = {f"nop/{key.partition('/')[2]}" for key in tree["connectors"]}
    if service.get("extensions"):
        service["extensions"] = [_renamed(key, stand_ins["extensions"]) for key in service["extensions"]]
    for pipeline in pipelines.values():
        for role in ("receivers", "processors", "exporters"):
            name = stand_ins["processors"] if role == "processors" else "nop"
            pipeline[role] = [
                _renamed(key, stand_ins["connectors"] if key in connectors else name)
                for key in pipeline.get(role) or ()
            ]
    return yaml.safe_dump(tree, sort_keys=False)


_STAND_INS = {"processors": "batch", "extensions": "zpages"}


def _joins_signals(pipelines: Tree) -> bool:
    """Whether a connector makes one signal of another, which forward does not do."""
    named = [(ident.partition("/")[0], pipeline) for ident, pipeline in pipelines.items()]
    return any(
        signal != other
        and set(pipeline.get("exporters") or ()) & set(behind.get("receivers") or ()) - {"nop"}
        for signal, pipeline in named
        for other, behind in named
    )


def _renamed(ident: str, name: str) -> str:
    return re.sub(r"^nop\b", name, ident)


# -- payloads ---------------------------------------------------------------------------------------------------------


def _settings(case: Tree) -> tuple[str, str, Any]:
    kind, _, name = case["component"].partition("/")
    if "config_file" not in case:
        return kind, name, case.get("config")
    loaded = yaml.safe_load((_FOLDER / case["config_file"]).read_text())
    return kind, name, loaded if case.get("config_key") is None else loaded[case["config_key"]]


def _gates(case: Tree) -> Mapping[str, bool]:
    gates: Mapping[str, bool] = case.get("feature_gates") or {}
    return gates


@pytest.mark.parametrize("case", _cases("stateless"))
def test_component_gives_what_the_reference_has(case: Tree) -> None:
    kind, name, settings = _settings(case)
    if kind == "connector" and name == "otlpjson":
        pytest.skip("not for metrics: it reads payloads out of logs")
    if "/metrics/" not in case["input"] and kind == "connector":
        pytest.skip("its input is of another signal")
    text = one_component(kind, name, settings)
    if case.get("collector_resource"):
        tree = yaml.safe_load(text)
        tree["service"]["telemetry"] = {"resource": case["collector_resource"]}
        text = yaml.safe_dump(tree, sort_keys=False)
    with skip_unsupported():
        run = start(text, version=_VERSION, gates=_gates(case))
    sent, refused = run.push(_load(case["input"]))
    assert refused is None
    expected = _load(case["expected"])
    got = sent["nop"]
    found = difference(expected, got[0] if got else {}, rules_of(case["compare"]))
    assert found is None, found


@pytest.mark.parametrize("case", _cases("stateful"))
def test_stateful_component_gives_what_the_reference_has(case: Tree) -> None:
    kind, name, settings = _settings(case)
    with skip_unsupported():
        run = start(one_component(kind, name, settings), version=_VERSION, gates=_gates(case))
    for given, wanted in _steps(case):
        if given is None:
            got = run.advance(1.0)["nop"]
        else:
            sent, refused = run.push(given)
            assert refused is None
            got = sent["nop"]
        found = difference(wanted, got[0] if got else {}, rules_of(case["compare"]))
        assert found is None, found


def _steps(case: Tree) -> list[tuple[Tree | None, Tree]]:
    """Payload (``None`` = a tick of the clock) and what must come out."""
    if "stages" in case:
        made: list[tuple[Tree | None, Tree]] = []
        for name in case["stages"]:
            # OTLP JSON allows both spellings of a key; the comparison knows one.
            text = (_FOLDER / name).read_text().replace("exponential_histogram:", "exponentialHistogram:")
            parts = re.split(r"^-- (\w+) --$", text, flags=re.MULTILINE)
            sections = dict(zip(parts[1::2], parts[2::2], strict=True))
            given, wanted = (yaml.safe_load(sections[key]) or {} for key in ("in", "out"))
            made.append((given, wanted))
        return made
    return [
        (_load(step["consume"]), _load(step["expect_immediate"]))
        if "consume" in step
        else (None, _load(step["expect_export"]))
        for step in case["steps"]
    ]


# -- what is not about this engine ------------------------------------------------------------------------------------

_ELSEWHERE = {
    "pkg/golden writer normalisation": "how the reference data was written, not what a collector does",
    "internal/exp/metrics Merge(a,b)": "a library function that no component of a pipeline calls",
    "receiver/hostmetrics": "a scrape of live or fake processes: checked by the tests of the host source",
}


@pytest.mark.parametrize("case", _cases("library", "receiver"))
def test_case_is_about_something_else(case: Tree) -> None:
    reason = _ELSEWHERE[case["component"]]
    if case["component"] == "receiver/hostmetrics":
        # Its settings are this engine's business.
        settings = case["config"]
        settings.pop("root_path", None)
        with pytest.raises(UnsupportedComponentError) if not settings else _nothing():
            start(one_component("receiver", "hostmetrics", settings), version=_VERSION)
    pytest.skip(reason)


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def test_every_case_of_the_index_is_looked_at() -> None:
    kinds = ("comparator", "env-expansion", "config", "stateless", "stateful", "library", "receiver")
    index = _FOLDER / "cases.yaml"
    if not index.is_file():
        pytest.skip("no shared data")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    cases = yaml.load(index.read_text(), loader)["cases"]
    assert len(cases) == len(_cases(*kinds)) == 243
