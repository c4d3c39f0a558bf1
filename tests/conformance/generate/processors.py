"""Strategies for the processors that aggregate, group, convert and rename."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.generate.payloads import KEYS, NAMES
from tests.conformance.generate.registry import Component, Step, register

_FUNCTIONS = ("sum", "mean", "min", "max", "median", "count")
_PATTERNS = ("process\\..*", "^(.*)\\.time$", "mem(?P<rest>.*)", "^process\\.(cpu|memory)\\.(.*)$", "x", ".*")
_VALUES = ("", "a", "b", "user", "12", "true")
_OPERATIONS = (
    "add_label",
    "update_label",
    "delete_label_value",
    "toggle_scalar_data_type",
    "experimental_scale_value",
    "aggregate_labels",
    "aggregate_label_values",
)
_TRANSFORMS = ("update", "insert", "combine", "group")
_AGGREGATES = ("aggregate_labels", "aggregate_label_values")
_keys = st.sampled_from(KEYS)
_values = st.sampled_from(_VALUES)


@st.composite
def _operation(draw: st.DrawFn, action: str) -> dict[str, Any]:
    made: dict[str, Any] = {"action": action}
    match action:
        case "add_label":
            made |= {"new_label": draw(_keys), "new_value": draw(st.sampled_from(("n", "{{version}}")))}
        case "update_label":
            made["label"] = draw(_keys)
            if draw(st.booleans()):
                # A rename makes the collector read whatever memory holds at the old place, so values are left alone.
                made["new_label"] = draw(st.sampled_from(("renamed", "other")))
            else:
                pairs = draw(st.lists(_values, min_size=1, max_size=2, unique=True))
                made["value_actions"] = [{"value": value, "new_value": f"new {value}"} for value in pairs]
        case "delete_label_value":
            made |= {"label": draw(_keys), "label_value": draw(_values)}
        case "experimental_scale_value":
            made["experimental_scale"] = draw(st.sampled_from((0.5, 2, -1, 1000, 1e-3)))
        case "aggregate_labels":
            made["label_set"] = draw(st.lists(_keys, max_size=2, unique=True))
            made["aggregation_type"] = draw(st.sampled_from(_FUNCTIONS))
        case "aggregate_label_values":
            made |= {
                "label": draw(_keys),
                "aggregated_values": draw(st.lists(_values, max_size=3, unique=True)),
                "new_value": draw(_values),
                "aggregation_type": draw(st.sampled_from(_FUNCTIONS)),
            }
        case _:
            pass
    return made


@st.composite
def _metricstransform(draw: st.DrawFn, focus: str) -> Step:
    actions = (
        [focus]
        if focus in _TRANSFORMS
        else draw(st.lists(st.sampled_from(_TRANSFORMS), min_size=1, max_size=2))
    )
    transforms = []
    if focus in _AGGREGATES and actions[0] == "combine":
        actions[0] = "insert"
    used = {focus} if focus else set()
    random = False
    for at, action in enumerate(actions):
        made: dict[str, Any] = {"action": action}
        if draw(st.booleans()):
            made |= {"include": draw(st.sampled_from(_PATTERNS)), "match_type": "regexp"}
        else:
            made["include"] = draw(st.sampled_from(NAMES))
        if draw(st.integers(0, 2)) == 0:
            made["experimental_match_labels"] = {draw(_keys): draw(_values)}
        if action in {"insert", "combine"} or draw(st.booleans()):
            made["new_name"] = draw(st.sampled_from(("new.name", "n.$1", "n.${rest}")))
        if action == "combine":
            random = True
            made["aggregation_type"] = draw(st.sampled_from(_FUNCTIONS))
            made["submatch_case"] = draw(st.sampled_from(("", "lower", "upper")))
        if action == "group":
            made["group_resource_labels"] = {"group": "g"}
        operations = draw(st.lists(st.sampled_from(_OPERATIONS), max_size=2))
        if focus in _OPERATIONS and at == 0:
            operations = [focus, *operations]
            used.add(focus)
        if action == "combine":
            # Combining leaves points in random order, and an aggregation of mixed kinds follows its first point.
            operations = [name for name in operations if name not in _AGGREGATES]
        # What follows an aggregation sees its points in random order.
        cut = next(
            (place + 1 for place, name in enumerate(operations) if name in _AGGREGATES), len(operations)
        )
        operations = operations[:cut]
        random = random or any(name in _AGGREGATES for name in operations)
        made["operations"] = [draw(_operation(name)) for name in operations]
        transforms.append(made)
        if random:
            break
    return Step("metricstransform", {"transforms": transforms}, tuple(used), any_order=random)


@st.composite
def _groupbyattrs(draw: st.DrawFn, focus: str) -> Step:
    del focus
    return Step("groupbyattrs", {"keys": draw(st.lists(_keys, max_size=3))})


@st.composite
def _cumulativetodelta(draw: st.DrawFn, focus: str) -> Step:
    del focus
    settings: dict[str, Any] = {"initial_value": draw(st.sampled_from(("auto", "keep", "drop")))}
    for block in ("include", "exclude"):
        kind = draw(st.integers(0, 5))
        if kind == 0:
            settings[block] = {"metrics": [draw(st.sampled_from(_PATTERNS))], "match_type": "regexp"}
        elif kind == 1:
            settings[block] = {"metrics": [draw(st.sampled_from(NAMES))], "match_type": "strict"}
        elif kind == 2:
            settings[block] = {
                "metric_types": [draw(st.sampled_from(("sum", "histogram", "exponentialhistogram")))]
            }
    return Step("cumulativetodelta", settings)


@st.composite
def _deltatorate(draw: st.DrawFn, focus: str) -> Step:
    del focus
    return Step("deltatorate", {"metrics": draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))})


@st.composite
def _deltatocumulative(draw: st.DrawFn, focus: str) -> Step:
    del focus
    return Step("deltatocumulative", draw(st.sampled_from(({}, {}, {"max_streams": 2}))))


@st.composite
def _metricsgeneration(draw: st.DrawFn, focus: str) -> Step:
    rules = []
    for number in range(draw(st.integers(1, 2))):
        kind = focus or draw(st.sampled_from(("calculate", "scale")))
        operation = draw(st.sampled_from(("add", "subtract", "multiply", "divide", "percent")))
        rule: dict[str, Any] = {"name": f"made.{number}", "unit": "1", "type": kind, "operation": operation}
        rule["metric1"] = draw(st.sampled_from(NAMES))
        if kind == "calculate":
            rule["metric2"] = draw(st.sampled_from(NAMES))
        else:
            rule["scale_by"] = draw(st.sampled_from((0.5, 3, 1000)))
        rules.append(rule)
    return Step("metricsgeneration", {"rules": rules}, (focus,) if focus else ())


@st.composite
def _metricstarttime(draw: st.DrawFn, focus: str) -> Step:
    strategy = focus or draw(st.sampled_from(("true_reset_point", "subtract_initial_point")))
    return Step("metricstarttime", {"strategy": strategy}, (focus,) if focus else ())


_ACTIONS = ("insert", "update", "upsert", "delete", "hash", "convert", "extract")


@st.composite
def _action(draw: st.DrawFn, action: str) -> dict[str, Any]:
    made: dict[str, Any] = {"key": draw(_keys), "action": action}
    if action in {"insert", "update", "upsert"}:
        if draw(st.booleans()):
            made["from_attribute"] = draw(_keys)
        else:
            made["value"] = draw(st.sampled_from(("v", 7, 2.5, True)))
    elif action in {"delete", "hash"} and draw(st.booleans()):
        made["pattern"] = draw(st.sampled_from(("^[ab]$", "s", "\\.")))
    elif action == "convert":
        made["converted_type"] = draw(st.sampled_from(("int", "double", "string")))
    elif action == "extract":
        made["pattern"] = draw(st.sampled_from(("^(?P<head>.)", "(?P<name>[a-z]+)[/.](?P<rest>.*)")))
    return made


@st.composite
def _attributes(draw: st.DrawFn, focus: str) -> Step:
    actions = [focus] if focus else []
    actions += draw(st.lists(st.sampled_from(_ACTIONS), min_size=not actions, max_size=2))
    settings: dict[str, Any] = {"actions": [draw(_action(action)) for action in actions]}
    if draw(st.integers(0, 3)) == 0:
        settings["include"] = {"match_type": "strict", "metric_names": [draw(st.sampled_from(NAMES))]}
    return Step("attributes", settings, (focus,) if focus else ())


@st.composite
def _resource(draw: st.DrawFn, focus: str) -> Step:
    actions = [focus] if focus else []
    actions += draw(st.lists(st.sampled_from(_ACTIONS), min_size=not actions, max_size=2))
    return Step(
        "resource", {"attributes": [draw(_action(action)) for action in actions]}, (focus,) if focus else ()
    )


register(Component("attributes", _attributes, _ACTIONS))
register(Component("resource", _resource, _ACTIONS))
register(Component("groupbyattrs", _groupbyattrs))
register(Component("metricstransform", _metricstransform, (*_TRANSFORMS, *_OPERATIONS)))
register(Component("cumulativetodelta", _cumulativetodelta))
register(Component("deltatorate", _deltatorate))
register(Component("deltatocumulative", _deltatocumulative))
register(Component("metricsgeneration", _metricsgeneration, ("calculate", "scale")))
register(Component("metricstarttime", _metricstarttime, ("true_reset_point", "subtract_initial_point")))
