"""Alert rules and what fired, in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from phoenix_nb.interfaces import Alert, AlertRule, Context
from phoenix_nb.store._database import Database
from phoenix_nb.store._documents import Cursor, Documents

__all__ = ["DuckDbAlertStore"]

_RULES: Final = Documents(
    AlertRule, "alert_rule", "alert rule", {"experiment_id": lambda one: one.experiment_id}
)
_ALERTS: Final = Documents(
    Alert,
    "alert",
    "alert",
    {
        "rule_id": lambda one: one.rule_id,
        "experiment_id": lambda one: one.experiment_id,
        "severity": lambda one: one.severity.value,
        "state": lambda one: one.state.value,
        "triggered_at": lambda one: one.triggered_at,
    },
)


class DuckDbAlertStore:
    """Keeps alert rules and alerts in two tables (``AlertStore``).

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_rule(self, ctx: Context, rule: AlertRule) -> AlertRule:
        ctx.check()
        await self._database.write(lambda cursor: _RULES.put(cursor, rule))
        return rule

    async def get_rule(self, ctx: Context, rule_id: str) -> AlertRule:
        ctx.check()
        return await self._database.read(lambda cursor: _RULES.get(cursor, rule_id))

    async def delete_rule(self, ctx: Context, rule_id: str) -> None:
        ctx.check()
        await self._database.write(partial(_delete_rule, rule_id))

    async def list_rules(self, ctx: Context, experiment_id: str) -> Sequence[AlertRule]:
        ctx.check()
        matching = {"experiment_id": (experiment_id,)}
        return await self._database.read(lambda cursor: _RULES.select(cursor, matching, "id"))

    async def put_alert(self, ctx: Context, alert: Alert) -> Alert:
        ctx.check()
        await self._database.write(lambda cursor: _ALERTS.put(cursor, alert))
        return alert

    async def list_alerts(self, ctx: Context, experiment_id: str) -> Sequence[Alert]:
        ctx.check()
        matching = {"experiment_id": (experiment_id,)}
        return await self._database.read(
            lambda cursor: _ALERTS.select(cursor, matching, "triggered_at DESC, id DESC")
        )


def _delete_rule(rule_id: str, cursor: Cursor) -> None:
    if not _RULES.remove(cursor, rule_id):
        raise _RULES.missing(rule_id)
