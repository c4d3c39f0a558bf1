"""Every value of the contracts: frozen, closed, documented, and unchanged by a trip through JSON."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime
from enum import StrEnum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import phoenix_nb.interfaces as contracts
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces import Event, Experiment, ExperimentStateChanged, Value
from phoenix_nb.testing.samples import sample_event, sample_experiment
from phoenix_nb.testing.strategies import values

_EXPORTED = [getattr(contracts, name) for name in contracts.__all__]
MODELS = [
    item for item in _EXPORTED if isinstance(item, type) and issubclass(item, Value) and item is not Value
]
ENUMS = [item for item in _EXPORTED if isinstance(item, type) and issubclass(item, StrEnum)]

_UPSTREAM_TYPES = {
    f"{family}.{word}"
    for family, words in {
        "experiment": "created started completed failed cancelled state_changed",
        "pipeline": "created deployed deleted status_changed",
        "config": "generated validated deployed",
        "metrics": "collected anomaly_detected threshold_exceeded",
        "service": "started stopped health_check_failed",
    }.items()
    for word in words.split()
}


def _name(item: type) -> str:
    return item.__name__


@pytest.mark.parametrize("model", MODELS, ids=_name)
def test_it_is_frozen_closed_and_documented(model: type[Value]) -> None:
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name} has no docstring"


@pytest.mark.parametrize("model", MODELS, ids=_name)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_json_and_pickle_change_nothing(model: type[Value], data: st.DataObject) -> None:
    value = data.draw(values(model))
    text = value.model_dump_json()
    again = model.model_validate_json(text)
    assert again == value
    assert again.model_dump_json() == text
    assert model.model_validate(value.model_dump()) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value


@pytest.mark.parametrize("kind", ENUMS, ids=_name)
def test_choices_are_documented_lists_of_unique_words(kind: type[StrEnum]) -> None:
    assert kind.__doc__
    assert len({member.value for member in kind}) == len(kind)


def test_nothing_of_a_value_can_be_changed() -> None:
    event = sample_event(metadata={"b": "2", "a": "1"})
    with pytest.raises(ValidationError):
        event.source = "x"  # type: ignore[misc]
    for change in ("clear", "popitem"):
        with pytest.raises(TypeError, match="frozen"):
            getattr(event.metadata, change)()
    with pytest.raises(TypeError, match="frozen"):
        event.metadata["c"] = "3"  # type: ignore[index]
    with pytest.raises(TypeError, match="frozen"):
        event.metadata |= {"c": "3"}  # type: ignore[misc,operator]
    assert dict(event.metadata) == {"a": "1", "b": "2"}
    assert hash(event) == hash(sample_event(metadata={"a": "1", "b": "2"}))


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Experiment.model_validate({**sample_experiment().model_dump(), "confidence": 0.99})


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValidationError, match="timezone is required"):
        sample_experiment(created_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_equal_pairs_give_equal_json() -> None:
    one, two = sample_event(metadata={"b": "2", "a": "1"}), sample_event(metadata={"a": "1", "b": "2"})
    assert one == two
    assert one.model_dump_json() == two.model_dump_json()


class TestEvents:
    def test_the_type_is_that_of_the_data(self) -> None:
        event = sample_event()
        assert event.type == event.data.type == "experiment.state_changed"
        with pytest.raises(ValidationError, match="not that of the data"):
            Event.model_validate({**event.model_dump(), "type": "experiment.created"})

    def test_data_of_another_type_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            Event.model_validate({**sample_event().model_dump(), "type": "", "data": {"type": "nope"}})
        with pytest.raises(ValidationError):
            Event.model_validate({**sample_event().model_dump(), "type": "", "data": 5})

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(event=values(Event))
    def test_the_cloudevents_form_loses_nothing(self, event: Event) -> None:
        tree = event.to_cloudevent()
        assert Event.from_cloudevent(tree) == event
        # CloudEvents 1.0: required attributes are there; every attribute is a scalar with a lower-case name.
        assert {"specversion", "id", "source", "type"} <= tree.keys()
        for name, item in tree.items():
            assert name == "data" or (name.isalnum() and name.islower() and isinstance(item, str))

    def test_what_is_no_event_is_refused(self) -> None:
        with pytest.raises(InvalidRequestError, match="not an event"):
            Event.from_cloudevent({"specversion": "1.0", "type": "x"})
        with pytest.raises(InvalidRequestError, match="not an event"):
            Event.from_cloudevent({**sample_event().to_cloudevent(), "phoenixmetadata": "{"})

    def test_every_payload_has_its_own_type_and_a_version(self) -> None:
        kinds = [model for model in MODELS if issubclass(model, contracts.events._Data)]
        names = [model.model_fields["type"].default for model in kinds]
        assert len(set(names)) == len(names)
        assert set(names) >= _UPSTREAM_TYPES
        assert all(model.model_fields["schema_version"].default == 1 for model in kinds)
        assert ExperimentStateChanged in kinds


def test_transitions_only_name_states_and_every_end_is_reachable() -> None:
    table = contracts.TRANSITIONS
    assert set(table) == set(contracts.ExperimentState)
    reached, front = set(), {contracts.ExperimentState.PENDING}
    while front:
        state = front.pop()
        reached.add(state)
        front |= table[state] - reached
    assert reached == set(contracts.ExperimentState)
    assert {state.value for state in contracts.TERMINAL_STATES} == {"completed", "failed", "cancelled"}
    assert set(contracts.SIMULATION_TRANSITIONS) == set(contracts.SimulationState)
