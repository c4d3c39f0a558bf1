"""Contracts of the stores."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from phoenix_nb.errors import ConflictError, InvalidRequestError, NotFoundError, TransitionError
from phoenix_nb.interfaces import (
    Alert,
    AlertRule,
    AlertState,
    AlertStore,
    Experiment,
    ExperimentFilter,
    ExperimentState,
    ExperimentStore,
    Pipeline,
    PipelineFilter,
    PipelineStore,
    PipelineType,
    Report,
    ReportStore,
    Simulation,
    SimulationFilter,
    SimulationState,
    SimulationStore,
)
from phoenix_nb.testing.contracts._base import CTX, Contract
from phoenix_nb.testing.samples import (
    T0,
    sample_alert,
    sample_alert_rule,
    sample_experiment,
    sample_pipeline,
    sample_simulation,
)
from phoenix_nb.testing.strategies import examples

__all__ = [
    "AlertStoreContract",
    "ExperimentStoreContract",
    "PipelineStoreContract",
    "ReportStoreContract",
    "SimulationStoreContract",
]


class ExperimentStoreContract(Contract):
    """Fixtures: ``subject``, an empty store."""

    interface = ExperimentStore

    async def test_any_experiment_comes_back_as_it_was(self, subject: ExperimentStore) -> None:
        for number, drawn in enumerate(examples(Experiment, 25)):
            stored = drawn.model_copy(update={"id": sample_experiment(number).id})
            assert await subject.create_experiment(CTX, stored) == stored
            assert await subject.get_experiment(CTX, stored.id) == stored

    async def test_an_id_is_taken_once(self, subject: ExperimentStore) -> None:
        first = await subject.create_experiment(CTX, sample_experiment())
        with pytest.raises(ConflictError):
            await subject.create_experiment(CTX, sample_experiment(name="another"))
        assert await subject.get_experiment(CTX, first.id) == first

    async def test_the_same_key_never_creates_twice(self, subject: ExperimentStore) -> None:
        first = await subject.create_experiment(CTX, sample_experiment(1), idempotency_key="k")
        again = await subject.create_experiment(CTX, sample_experiment(2), idempotency_key="k")
        assert again == first
        other = await subject.create_experiment(CTX, sample_experiment(3), idempotency_key="other")
        assert other.id == sample_experiment(3).id
        assert (await subject.list_experiments(CTX, ExperimentFilter())).total_count == 2

    async def test_unknown_ids_are_not_found(self, subject: ExperimentStore) -> None:
        missing = sample_experiment()
        with pytest.raises(NotFoundError):
            await subject.get_experiment(CTX, missing.id)
        with pytest.raises(NotFoundError):
            await subject.update_experiment(CTX, missing)
        with pytest.raises(NotFoundError):
            await subject.delete_experiment(CTX, missing.id)
        with pytest.raises(NotFoundError):
            await subject.update_experiment_state(
                CTX, missing.id, ExperimentState.DEPLOYING, reason="", at=T0
            )

    async def test_an_update_replaces_everything_and_counts_on(self, subject: ExperimentStore) -> None:
        first = await subject.create_experiment(CTX, sample_experiment())
        for drawn in examples(Experiment, 10):
            stored = await subject.get_experiment(CTX, first.id)
            changed = drawn.model_copy(update={"id": first.id, "version": stored.version})
            expected = changed.model_copy(update={"version": stored.version + 1})
            assert await subject.update_experiment(CTX, changed) == expected
            assert await subject.get_experiment(CTX, first.id) == expected

    async def test_whoever_holds_an_older_version_loses(self, subject: ExperimentStore) -> None:
        old = await subject.create_experiment(CTX, sample_experiment())
        new = await subject.update_experiment(CTX, old.model_copy(update={"description": "first"}))
        with pytest.raises(ConflictError):
            await subject.update_experiment(CTX, old.model_copy(update={"description": "second"}))
        assert await subject.get_experiment(CTX, old.id) == new

    async def test_of_concurrent_updates_one_wins(self, subject: ExperimentStore) -> None:
        old = await subject.create_experiment(CTX, sample_experiment())
        outcomes = await asyncio.gather(
            *(
                subject.update_experiment(CTX, old.model_copy(update={"description": str(number)}))
                for number in range(8)
            ),
            return_exceptions=True,
        )
        winners = [outcome for outcome in outcomes if isinstance(outcome, Experiment)]
        assert len(winners) == 1
        assert all(isinstance(outcome, Experiment | ConflictError) for outcome in outcomes)
        assert await subject.get_experiment(CTX, old.id) == winners[0]

    async def test_a_deleted_experiment_is_gone(self, subject: ExperimentStore) -> None:
        first = await subject.create_experiment(CTX, sample_experiment(), idempotency_key="k")
        await subject.delete_experiment(CTX, first.id)
        with pytest.raises(NotFoundError):
            await subject.get_experiment(CTX, first.id)
        with pytest.raises(NotFoundError):
            await subject.delete_experiment(CTX, first.id)
        assert await subject.create_experiment(CTX, sample_experiment(), idempotency_key="k") == first

    async def test_lists_are_filtered_and_newest_first(self, subject: ExperimentStore) -> None:
        states = [ExperimentState.PENDING, ExperimentState.RUNNING, ExperimentState.COMPLETED]
        for number in range(9):
            await subject.create_experiment(
                CTX, sample_experiment(number, state=states[number % 3], created_by=f"p{number % 2}")
            )
        found = await subject.list_experiments(
            CTX,
            ExperimentFilter(states=(ExperimentState.PENDING, ExperimentState.RUNNING), created_by="p0"),
        )
        assert [one.id for one in found.experiments] == [sample_experiment(n).id for n in (6, 4, 0)]
        assert found.total_count == 3
        assert found.next_page_token == ""

    async def test_pages_show_everything_once(self, subject: ExperimentStore) -> None:
        for number in range(7):
            await subject.create_experiment(CTX, sample_experiment(number))
        token, seen = "", []
        while True:
            page = await subject.list_experiments(CTX, ExperimentFilter(page_size=3, page_token=token))
            assert page.total_count == 7
            seen += [one.id for one in page.experiments]
            token = page.next_page_token
            if not token:
                break
        assert seen == [sample_experiment(number).id for number in range(6, -1, -1)]
        with pytest.raises(InvalidRequestError):
            await subject.list_experiments(CTX, ExperimentFilter(page_token="not one of yours"))  # noqa: S106

    async def test_a_state_alone_can_be_set(self, subject: ExperimentStore) -> None:
        first = await subject.create_experiment(CTX, sample_experiment())
        at = T0 + timedelta(hours=1)
        moved = await subject.update_experiment_state(
            CTX, first.id, ExperimentState.DEPLOYING, reason="started", at=at
        )
        assert moved.state is ExperimentState.DEPLOYING
        assert moved.state_reason == "started"
        assert moved.updated_at == at
        assert moved.version == first.version + 1
        assert moved.config == first.config
        assert await subject.get_experiment(CTX, first.id) == moved

    async def test_the_transition_table_is_obeyed(self, subject: ExperimentStore) -> None:
        first = await subject.create_experiment(CTX, sample_experiment(state=ExperimentState.COMPLETED))
        with pytest.raises(TransitionError):
            await subject.update_experiment_state(CTX, first.id, ExperimentState.RUNNING, reason="", at=T0)
        assert await subject.get_experiment(CTX, first.id) == first

    async def test_experiments_of_one_state_come_oldest_first(self, subject: ExperimentStore) -> None:
        for number in (3, 1, 2):
            await subject.create_experiment(CTX, sample_experiment(number, state=ExperimentState.RUNNING))
        await subject.create_experiment(CTX, sample_experiment(4))
        found = await subject.get_experiments_by_state(CTX, ExperimentState.RUNNING)
        assert [one.id for one in found] == [sample_experiment(number).id for number in (1, 2, 3)]
        assert not await subject.get_experiments_by_state(CTX, ExperimentState.FAILED)


class PipelineStoreContract(Contract):
    """Fixtures: ``subject``, an empty store."""

    interface = PipelineStore

    async def test_any_pipeline_comes_back_as_it_was(self, subject: PipelineStore) -> None:
        for number, drawn in enumerate(examples(Pipeline, 25)):
            stored = drawn.model_copy(
                update={"id": sample_pipeline(number).id, "name": f"{number} {drawn.name}"[:100]}
            )
            assert await subject.create_pipeline(CTX, stored) == stored
            assert await subject.get_pipeline(CTX, stored.id) == stored

    async def test_ids_and_names_are_taken_once(self, subject: PipelineStore) -> None:
        await subject.create_pipeline(CTX, sample_pipeline(1, name="mine"))
        with pytest.raises(ConflictError):
            await subject.create_pipeline(CTX, sample_pipeline(1, name="other"))
        with pytest.raises(ConflictError):
            await subject.create_pipeline(CTX, sample_pipeline(2, name="mine"))

    async def test_a_name_finds_a_pipeline_too(self, subject: PipelineStore) -> None:
        stored = await subject.create_pipeline(CTX, sample_pipeline(name="mine"))
        assert await subject.get_pipeline(CTX, "mine") == stored

    async def test_a_deleted_pipeline_is_gone(self, subject: PipelineStore) -> None:
        stored = await subject.create_pipeline(CTX, sample_pipeline())
        await subject.delete_pipeline(CTX, stored.id)
        with pytest.raises(NotFoundError):
            await subject.get_pipeline(CTX, stored.id)
        with pytest.raises(NotFoundError):
            await subject.delete_pipeline(CTX, stored.id)
        assert await subject.create_pipeline(CTX, sample_pipeline()) == stored

    async def test_lists_are_filtered_and_paged(self, subject: PipelineStore) -> None:
        for number in range(6):
            await subject.create_pipeline(
                CTX,
                sample_pipeline(
                    number,
                    type=PipelineType.CUSTOM if number % 2 else PipelineType.PROCESS,
                    template="process-priority-v1" if number < 4 else "",
                    created_by="ann" if number else "bob",
                ),
            )
        wanted = PipelineFilter(
            types=(PipelineType.PROCESS,), template="process-priority-v1", created_by="ann"
        )
        found = await subject.list_pipelines(CTX, wanted)
        assert [one.id for one in found.pipelines] == [sample_pipeline(2).id]
        first = await subject.list_pipelines(CTX, PipelineFilter(page_size=4))
        rest = await subject.list_pipelines(
            CTX, PipelineFilter(page_size=4, page_token=first.next_page_token)
        )
        seen = [one.id for one in (*first.pipelines, *rest.pipelines)]
        assert seen == [sample_pipeline(number).id for number in range(5, -1, -1)]
        assert (first.total_count, rest.next_page_token) == (6, "")


class SimulationStoreContract(Contract):
    """Fixtures: ``subject``, an empty store."""

    interface = SimulationStore

    async def test_any_simulation_comes_back_as_it_was(self, subject: SimulationStore) -> None:
        for number, drawn in enumerate(examples(Simulation, 15)):
            stored = drawn.model_copy(update={"id": sample_simulation(number).id})
            assert await subject.create_simulation(CTX, stored) == stored
            assert await subject.get_simulation(CTX, stored.id) == stored

    async def test_an_id_is_taken_once(self, subject: SimulationStore) -> None:
        await subject.create_simulation(CTX, sample_simulation())
        with pytest.raises(ConflictError):
            await subject.create_simulation(CTX, sample_simulation())

    async def test_whoever_holds_an_older_version_loses(self, subject: SimulationStore) -> None:
        old = await subject.create_simulation(CTX, sample_simulation())
        changes = {"state": SimulationState.RUNNING, "started_at": T0}
        new = await subject.update_simulation(CTX, old.model_copy(update=changes))
        assert new == old.model_copy(update={**changes, "version": old.version + 1})
        with pytest.raises(ConflictError):
            await subject.update_simulation(CTX, old)
        assert await subject.get_simulation(CTX, old.id) == new

    async def test_unknown_ids_are_not_found(self, subject: SimulationStore) -> None:
        with pytest.raises(NotFoundError):
            await subject.get_simulation(CTX, sample_simulation().id)
        with pytest.raises(NotFoundError):
            await subject.update_simulation(CTX, sample_simulation())

    async def test_lists_are_filtered_and_paged(self, subject: SimulationStore) -> None:
        for number in range(5):
            state = SimulationState.RUNNING if number % 2 else SimulationState.PENDING
            await subject.create_simulation(CTX, sample_simulation(number, state=state))
        found = await subject.list_simulations(CTX, SimulationFilter(states=(SimulationState.RUNNING,)))
        assert [one.id for one in found.simulations] == [sample_simulation(number).id for number in (3, 1)]
        first = await subject.list_simulations(CTX, SimulationFilter(page_size=3))
        rest = await subject.list_simulations(
            CTX, SimulationFilter(page_size=3, page_token=first.next_page_token)
        )
        seen = [one.id for one in (*first.simulations, *rest.simulations)]
        assert seen == [sample_simulation(number).id for number in range(4, -1, -1)]


class AlertStoreContract(Contract):
    """Fixtures: ``subject``, an empty store."""

    interface = AlertStore

    async def test_any_rule_comes_back_as_it_was(self, subject: AlertStore) -> None:
        for number, drawn in enumerate(examples(AlertRule, 15)):
            rule = drawn.model_copy(update={"id": sample_alert_rule(number).id})
            assert await subject.put_rule(CTX, rule) == rule
            assert await subject.get_rule(CTX, rule.id) == rule

    async def test_a_rule_is_replaced_and_deleted(self, subject: AlertStore) -> None:
        await subject.put_rule(CTX, sample_alert_rule(2))
        await subject.put_rule(CTX, sample_alert_rule(1))
        loud = await subject.put_rule(CTX, sample_alert_rule(2, threshold=5.0))
        found = await subject.list_rules(CTX, loud.experiment_id)
        assert list(found) == [sample_alert_rule(1), loud] or list(found) == [loud, sample_alert_rule(1)]
        await subject.delete_rule(CTX, loud.id)
        assert list(await subject.list_rules(CTX, loud.experiment_id)) == [sample_alert_rule(1)]
        with pytest.raises(NotFoundError):
            await subject.get_rule(CTX, loud.id)
        with pytest.raises(NotFoundError):
            await subject.delete_rule(CTX, loud.id)
        assert not await subject.list_rules(CTX, sample_experiment(77).id)

    async def test_alerts_come_newest_first_and_are_replaced(self, subject: AlertStore) -> None:
        for number, drawn in enumerate(examples(Alert, 8)):
            await subject.put_alert(
                CTX,
                drawn.model_copy(update={"id": f"other-{number}", "experiment_id": sample_experiment(50).id}),
            )
        assert len(await subject.list_alerts(CTX, sample_experiment(50).id)) == 8
        first = await subject.put_alert(CTX, sample_alert(1))
        second = await subject.put_alert(CTX, sample_alert(2))
        done = await subject.put_alert(
            CTX, first.model_copy(update={"state": AlertState.RESOLVED, "resolved_at": T0})
        )
        assert list(await subject.list_alerts(CTX, first.experiment_id)) == [second, done]


class ReportStoreContract(Contract):
    """Fixtures: ``subject``, an empty store."""

    interface = ReportStore

    async def test_reports_are_remembered_newest_first(self, subject: ReportStore) -> None:
        reports = [
            Report(
                id=f"rep_{number:026d}",
                experiment_id=sample_experiment(number % 2).id,
                notebook_name="comparison",
                html=Path(f"/reports/{number}.html"),
                notebook=Path(f"/reports/{number}.ipynb"),
                data=Path(f"/reports/{number}.json"),
                created_at=T0 + timedelta(seconds=number),
            )
            for number in range(4)
        ]
        for report in reports:
            assert await subject.put_report(CTX, report) == report
        assert await subject.get_report(CTX, reports[2].id) == reports[2]
        assert list(await subject.list_reports(CTX)) == reports[::-1]
        of_one = await subject.list_reports(CTX, experiment_id=sample_experiment(1).id)
        assert list(of_one) == [reports[3], reports[1]]
        with pytest.raises(NotFoundError):
            await subject.get_report(CTX, "rep_missing")
