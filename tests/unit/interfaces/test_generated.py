"""What is generated from the contracts is up to date, and the contracts keep what was released."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

import phoenix_nb.interfaces as interfaces
from phoenix_nb.interfaces import Event
from phoenix_nb.otlp import contracts as frame_contracts
from phoenix_nb.testing.generate import COMMAND, generated_files, interfaces_page, main, schemas
from phoenix_nb.testing.samples import sample_event
from phoenix_nb.testing.signatures import (
    breaking_changes,
    deprecation_problems,
    released_shape,
    shape,
    write_shape,
)


def _today() -> dict[str, Any]:
    return shape(interfaces, frame_contracts)


def test_docs_and_schemas_are_up_to_date() -> None:
    stale = [
        str(path)
        for path, text in generated_files().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, f"run {COMMAND}: {', '.join(stale)}"
    assert main(["--check"]) == 0


def test_no_schema_is_left_behind() -> None:
    paths = [path for path in generated_files() if path.suffix == ".json"]
    folder = paths[0].parent
    assert {path.name for path in folder.glob("*.json")} == set(schemas())


def test_the_page_names_every_interface_error_and_event() -> None:
    page = interfaces_page()
    for name in (*interfaces.__all__, *frame_contracts.__all__):
        item = getattr(interfaces, name, getattr(frame_contracts, name, None))
        if getattr(item, "_is_protocol", False) and name not in {"Clock", "IdFactory"}:
            assert f"### {name}\n" in page
    for dropped in ("TrafficSplit", "confidence", "free maps"):
        assert dropped in page.partition("## Dropped from the upstream contract")[2]
    assert "`experiment.state_changed`" in page


def test_schemas_describe_every_field() -> None:
    tree = json.loads(schemas()["events.json"])
    event = tree["$defs"]["Event"]
    assert event["additionalProperties"] is False
    assert set(event["properties"]) == set(Event.model_fields)
    assert all("description" in one for one in event["properties"].values())
    assert sample_event().model_dump(mode="json").keys() == event["properties"].keys()


def test_nothing_released_was_broken() -> None:
    assert breaking_changes(released_shape(), _today()) == []
    assert deprecation_problems(_today()) == []


class TestComparison:
    """The comparison itself, on shapes that were changed on purpose."""

    @pytest.fixture
    def old(self) -> dict[str, Any]:
        return _today()

    @pytest.fixture
    def new(self, old: dict[str, Any]) -> dict[str, Any]:
        return copy.deepcopy(old)

    @staticmethod
    def _method(found: dict[str, Any], name: str = "get_experiment") -> dict[str, Any]:
        method: dict[str, Any] = found["interfaces"]["ExperimentService"]["methods"][name]
        return method

    def test_it_survives_json(self, old: dict[str, Any]) -> None:
        assert json.loads(write_shape(old)) == old
        assert breaking_changes(old, old) == []

    def test_additions_are_free(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        methods = new["interfaces"]["ExperimentService"]["methods"]
        methods["clone_experiment"] = self._method(new)
        new["interfaces"]["CloneService"] = {"methods": {}}
        self._method(new)["parameters"].append(
            {"name": "deep", "kind": "keyword_only", "type": "bool", "required": False}
        )
        new["values"]["Experiment"]["fields"]["colour"] = {"type": "str", "required": False}
        new["choices"]["Arm"] = [*new["choices"]["Arm"], "third"]
        new["values"]["Event"]["fields"]["data"]["type"] += " | ExperimentCloned"
        assert breaking_changes(old, new) == []

    def test_a_removed_method_is_reported(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        del new["interfaces"]["ExperimentService"]["methods"]["get_experiment"]
        assert breaking_changes(old, new) == [
            "ExperimentService.get_experiment was removed without a deprecation that announced it"
        ]

    def test_an_announced_removal_is_fine_when_its_version_has_come(
        self, old: dict[str, Any], new: dict[str, Any]
    ) -> None:
        self._method(old)["deprecated"] = "removed in 0.3; use find_experiment"
        del new["interfaces"]["ExperimentService"]["methods"]["get_experiment"]
        assert breaking_changes(old, new)
        new["version"] = "0.3.0"
        assert breaking_changes(old, new) == []
        old["interfaces"]["EventBus"]["deprecated"] = "removed in 0.3; use EventBusV2"
        del new["interfaces"]["EventBus"]
        assert breaking_changes(old, new) == []

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"type": "int"}, "was str, now int"),
            ({"name": "id"}, "lost its parameter experiment_id"),
            ({"kind": "keyword_only"}, "was str"),
        ],
    )
    def test_changed_parameters_are_reported(
        self, old: dict[str, Any], new: dict[str, Any], change: dict[str, str], says: str
    ) -> None:
        self._method(new)["parameters"][1].update(change)
        assert any(says in problem for problem in breaking_changes(old, new))

    def test_new_required_parameters_and_other_answers_are_reported(
        self, old: dict[str, Any], new: dict[str, Any]
    ) -> None:
        method = self._method(new)
        method["parameters"].append(
            {"name": "why", "kind": "positional_or_keyword", "type": "str", "required": True}
        )
        method["returns"] = "Experiment | None"
        method["async"] = False
        assert len(breaking_changes(old, new)) == 3
        self._method(new, "list_experiments")["parameters"].reverse()
        assert any("moved" in problem for problem in breaking_changes(old, new))

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"name": None}, "Experiment.name was removed"),
            ({"name": {"type": "int", "required": True}}, "Experiment.name was str, now int"),
            ({"name": {"type": "None | str", "required": True}}, "Experiment.name was str"),
            ({"description": {"type": "str", "required": True}}, "description became required"),
            ({"colour": {"type": "str", "required": True}}, "asks for colour in addition"),
        ],
    )
    def test_changed_fields_are_reported(
        self, old: dict[str, Any], new: dict[str, Any], change: dict[str, Any], says: str
    ) -> None:
        fields = new["values"]["Experiment"]["fields"]
        fields.update(change)
        new["values"]["Experiment"]["fields"] = {name: one for name, one in fields.items() if one}
        assert any(says in problem for problem in breaking_changes(old, new))

    def test_a_lost_choice_is_reported(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        new["choices"]["Arm"] = ["baseline"]
        assert breaking_changes(old, new) == ["Arm lost candidate"]
        del new["choices"]["Arm"]
        assert breaking_changes(old, new) == ["Arm lost baseline, candidate"]

    def test_deprecations_say_when_and_are_kept(self, new: dict[str, Any]) -> None:
        self._method(new)["deprecated"] = "use find_experiment"
        assert "must say" in deprecation_problems(new)[0]
        self._method(new)["deprecated"] = "removed in 0.1; use find_experiment"
        assert "should be gone" in deprecation_problems(new)[0]
        self._method(new)["deprecated"] = "removed in 9.0; use find_experiment"
        assert deprecation_problems(new) == []


def test_the_deprecated_mark_is_part_of_the_shape() -> None:
    from types import ModuleType
    from typing import Protocol

    from typing_extensions import deprecated

    from phoenix_nb.interfaces import Context

    class Old(Protocol):
        @deprecated("removed in 9.0; use ask")
        async def query(self, ctx: Context) -> str: ...

        async def ask(self, ctx: Context) -> str: ...

    module = ModuleType("old")
    module.Old = Old  # type: ignore[attr-defined]
    module.__all__ = ["Old"]  # type: ignore[attr-defined]
    methods = shape(module)["interfaces"]["Old"]["methods"]
    assert methods["query"]["deprecated"] == "removed in 9.0; use ask"
    assert "deprecated" not in methods["ask"]
