"""What the stores of values add to their contracts: SQL columns, steady pages, odd text, cancelled callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from phoenix_nb.errors import (
    CallCancelledError,
    ConflictError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    StorageError,
    TransitionError,
)
from phoenix_nb.interfaces import (
    AlertState,
    Context,
    DeploymentPhase,
    ExperimentConfig,
    ExperimentFilter,
    ExperimentState,
    PipelineDeployment,
    PipelineFilter,
    SimulationFilter,
)
from phoenix_nb.runtime import VirtualClock
from phoenix_nb.store import (
    Database,
    DuckDbAlertStore,
    DuckDbExperimentStore,
    DuckDbJournal,
    DuckDbPipelineOperator,
    DuckDbPipelineStore,
    DuckDbSimulationStore,
)
from phoenix_nb.testing.samples import (
    T0,
    sample_alert,
    sample_event,
    sample_experiment,
    sample_pipeline,
    sample_simulation,
)

CTX = Context.background()


@pytest.fixture
async def database(no_stray_tasks: None) -> AsyncIterator[Database]:
    made = await Database.open(None)
    yield made
    await made.aclose()


async def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    return await database.read(lambda cursor: cursor.execute(query).fetchall())


async def test_columns_follow_their_values(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    one = await store.create_experiment(CTX, sample_experiment(created_by="ann"))
    renamed = await store.update_experiment(CTX, one.model_copy(update={"name": "renamed"}))
    await store.update_experiment_state(
        CTX, one.id, ExperimentState.DEPLOYING, reason="go", at=T0 + timedelta(hours=1)
    )
    assert renamed.version == 2
    assert await rows(database, "SELECT id, version, name, state, created_by FROM experiment") == [
        (one.id, 3, "renamed", "deploying", "ann")
    ]
    assert (
        await store.list_experiments(CTX, ExperimentFilter(states=(ExperimentState.PENDING,)))
    ).total_count == 0
    alerts = DuckDbAlertStore(database)
    fired = await alerts.put_alert(CTX, sample_alert())
    changes = {"state": AlertState.RESOLVED, "resolved_at": T0, "triggered_at": T0 + timedelta(days=1)}
    await alerts.put_alert(CTX, fired.model_copy(update=changes))
    assert await rows(database, "SELECT state, epoch(triggered_at) FROM alert") == [
        ("resolved", (T0 + timedelta(days=1)).timestamp())
    ]


async def test_people_can_ask_in_sql(database: Database) -> None:
    config = ExperimentConfig(source="sim:realistic")
    await DuckDbExperimentStore(database).create_experiment(CTX, sample_experiment(config=config))
    await DuckDbJournal(database).append(CTX, [sample_event(metadata={"k": "v"})])
    operator = DuckDbPipelineOperator(database, VirtualClock())
    for number in (1, 2):
        await operator.deploy_pipeline(CTX, deployment(number))
    asked = "SELECT name, state, source, verdict, intervals, promoted, epoch(created_at) FROM experiments"
    assert await rows(database, asked) == [
        ("experiment 1", "pending", "sim:realistic", None, None, False, T0.timestamp() + 1)
    ]
    asked = "SELECT sequence, type, data ->> 'to_state', metadata['k'] FROM events"
    assert await rows(database, asked) == [(1, "experiment.state_changed", "deploying", "v")]
    asked = "SELECT id, target, current FROM deployments ORDER BY id"
    assert await rows(database, asked) == [
        (deployment(1).id, "node", False),
        (deployment(2).id, "node", True),
    ]


async def test_pages_go_on_whatever_happens_to_the_last_item(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    for number in range(5):
        await store.create_experiment(CTX, sample_experiment(number))
    wanted = ExperimentFilter(states=(ExperimentState.PENDING,), page_size=2)
    first = await store.list_experiments(CTX, wanted)
    last = first.experiments[-1]
    await store.delete_experiment(CTX, last.id)
    await store.create_experiment(CTX, sample_experiment(9))
    rest = await store.list_experiments(
        CTX, wanted.model_copy(update={"page_size": 10, "page_token": first.next_page_token})
    )
    assert [one.id for one in rest.experiments] == [sample_experiment(number).id for number in (2, 1, 0)]
    assert (rest.total_count, rest.next_page_token) == (5, "")
    for lists in (
        DuckDbPipelineStore(database).list_pipelines(CTX, PipelineFilter(page_token="?")),
        DuckDbSimulationStore(database).list_simulations(CTX, SimulationFilter(page_token="?")),
    ):
        with pytest.raises(InvalidRequestError, match="page token"):
            await lists


async def test_an_empty_principal_is_a_principal(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    await store.create_experiment(CTX, sample_experiment(1, created_by=""))
    await store.create_experiment(CTX, sample_experiment(2))
    found = await store.list_experiments(CTX, ExperimentFilter(created_by=""))
    assert [one.id for one in found.experiments] == [sample_experiment(1).id]


async def test_odd_text_is_text(database: Database) -> None:
    store = DuckDbPipelineStore(database)
    odd = "a\x00b'; DROP TABLE pipeline; -- \N{SNOWMAN}\N{GRINNING FACE} %_"
    stored = await store.create_pipeline(CTX, sample_pipeline(id=odd, name=odd, created_by=odd))
    assert await store.get_pipeline(CTX, odd) == stored
    assert (await store.list_pipelines(CTX, PipelineFilter(created_by=odd))).pipelines == (stored,)
    with pytest.raises(NotFoundError):
        await store.get_pipeline(CTX, odd.upper())


async def test_an_id_that_is_no_unicode_is_refused(database: Database) -> None:
    half = "exp_\ud800"
    with pytest.raises(InvalidRequestError, match="Unicode"):
        await DuckDbExperimentStore(database).get_experiment(CTX, half)
    with pytest.raises(InvalidRequestError, match="Unicode"):
        await DuckDbExperimentStore(database).create_experiment(
            CTX, sample_experiment(), idempotency_key=half
        )
    with pytest.raises(InvalidRequestError, match="Unicode"):
        await DuckDbAlertStore(database).list_alerts(CTX, half)
    with pytest.raises(InvalidRequestError, match="Unicode"):
        await DuckDbPipelineOperator(database, VirtualClock()).current_deployment(CTX, half)


async def test_a_time_without_zone_is_never_stored(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    one = await store.create_experiment(CTX, sample_experiment())
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the mistake that is tested
    with pytest.raises(InvalidRequestError, match="zone"):
        await store.update_experiment_state(CTX, one.id, ExperimentState.DEPLOYING, reason="", at=naive)
    assert await store.get_experiment(CTX, one.id) == one


async def test_a_value_that_was_damaged_by_hand_is_told(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    one = await store.create_experiment(CTX, sample_experiment())
    await database.write(lambda cursor: cursor.execute("UPDATE experiment SET json = '{}'"))
    with pytest.raises(StorageError, match="stored experiment cannot be read"):
        await store.get_experiment(CTX, one.id)


async def test_a_refused_move_says_what_is_allowed(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    one = await store.create_experiment(CTX, sample_experiment())
    with pytest.raises(TransitionError, match="pending and cannot become completed") as caught:
        await store.update_experiment_state(CTX, one.id, ExperimentState.COMPLETED, reason="", at=T0)
    assert caught.value.details["allowed"] == ["cancelled", "deploying"]
    assert "cancelled, deploying" in caught.value.hint


async def test_of_concurrent_creations_with_one_key_one_is_made(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    made = await asyncio.gather(
        *(store.create_experiment(CTX, sample_experiment(number), idempotency_key="k") for number in range(8))
    )
    assert len({one.id for one in made}) == 1
    assert (await store.list_experiments(CTX, ExperimentFilter())).total_count == 1


async def test_a_key_of_a_refused_creation_is_free(database: Database) -> None:
    store = DuckDbExperimentStore(database)
    await store.create_experiment(CTX, sample_experiment(1))
    with pytest.raises(ConflictError):
        await store.create_experiment(CTX, sample_experiment(1), idempotency_key="k")
    made = await store.create_experiment(CTX, sample_experiment(2), idempotency_key="k")
    assert made.id == sample_experiment(2).id


async def test_a_conflict_names_both_versions(database: Database) -> None:
    store = DuckDbSimulationStore(database)
    old = await store.create_simulation(CTX, sample_simulation())
    await store.update_simulation(CTX, old)
    with pytest.raises(ConflictError, match="somebody else") as caught:
        await store.update_simulation(CTX, old)
    assert (caught.value.details["version"], caught.value.details["stored_version"]) == (1, 2)


async def test_cancelled_and_late_callers_change_nothing(database: Database) -> None:
    cancelled, token = CTX.with_cancel()
    token.cancel()
    late = CTX.with_timeout(0)
    experiments, pipelines = DuckDbExperimentStore(database), DuckDbPipelineStore(database)
    operator = DuckDbPipelineOperator(database, VirtualClock())
    calls: list[Callable[[Context], Awaitable[object]]] = [
        lambda ctx: experiments.create_experiment(ctx, sample_experiment()),
        lambda ctx: pipelines.create_pipeline(ctx, sample_pipeline()),
        lambda ctx: operator.deploy_pipeline(ctx, deployment(1)),
        lambda ctx: DuckDbAlertStore(database).put_alert(ctx, sample_alert()),
        lambda ctx: DuckDbSimulationStore(database).create_simulation(ctx, sample_simulation()),
    ]
    for call in calls:
        with pytest.raises(CallCancelledError):
            await call(cancelled)
        with pytest.raises(DeadlineExceededError):
            await call(late)
    counts = " + ".join(
        f"(SELECT count(*) FROM {table})"
        for table in ("experiment", "pipeline", "deployment", "alert", "simulation")
    )
    assert await rows(database, f"SELECT {counts}") == [(0,)]


async def test_a_cancelled_task_leaves_the_store_usable(database: Database) -> None:
    journal = DuckDbJournal(database)
    tasks = [asyncio.create_task(journal.append(CTX, [sample_event(number)])) for number in range(1, 11)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks[::2])
    await journal.append(CTX, [sample_event(99)])
    # Those that were cancelled may be there or not; the others are, and there is no hole.
    found = await rows(database, "SELECT sequence, id FROM event ORDER BY sequence")
    assert [sequence for sequence, _ in found] == list(range(1, len(found) + 1))
    kept = {event.id for task in tasks[1::2] for event in task.result()}
    assert kept < {key for _, key in found}


async def test_deploying_again_keeps_what_was_replaced(database: Database) -> None:
    operator = DuckDbPipelineOperator(database, VirtualClock())
    first = await operator.deploy_pipeline(CTX, deployment(1))
    second = await operator.deploy_pipeline(CTX, deployment(2))
    again = await operator.deploy_pipeline(CTX, deployment(2))
    assert second.previous_id == again.previous_id == first.id
    assert [one.id for one in await operator.list_pipeline_deployments(CTX, current_only=True)] == [second.id]


async def test_removing_a_former_deployment_leaves_the_current_one(database: Database) -> None:
    operator = DuckDbPipelineOperator(database, VirtualClock())
    first = await operator.deploy_pipeline(CTX, deployment(1))
    second = await operator.deploy_pipeline(CTX, deployment(2))
    assert (await operator.delete_pipeline(CTX, first.id)).phase is DeploymentPhase.REMOVED
    assert await operator.current_deployment(CTX, "node") == second


def deployment(number: int) -> PipelineDeployment:
    return PipelineDeployment(
        id=f"dep_{number:026d}",
        pipeline_id=sample_pipeline().id,
        target="node",
        phase=DeploymentPhase.PENDING,
        yaml="receivers: {}",
        deployed_by="ann",
        created_at=T0,
        updated_at=T0,
    )
