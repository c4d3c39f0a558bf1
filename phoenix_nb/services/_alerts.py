"""Alert rules and what fired."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_nb.analysis import arm_figure
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces import (
    Alert,
    AlertComparison,
    AlertFired,
    AlertRule,
    AlertState,
    AlertStore,
    Clock,
    Context,
    ExperimentStore,
    IdFactory,
    Interval,
    ThresholdExceeded,
)
from phoenix_nb.services._publisher import Publisher

__all__ = ["StoredAlertService"]


class StoredAlertService:
    """Rules and alerts in a store (``AlertService``); sees every interval of every run.

    A rule fires after its condition held in ``for_intervals`` intervals in a row, and resolves after it did not hold,
    the clear threshold considered, in as many. An interval in which the arm was silent, or the figure was not measured,
    is neither.

    Args:
        store: keeps rules and alerts.
        experiments: tells whether an experiment exists.
        publisher: tells what fired.
        clock: times of alerts.
        ids: ids of rules and alerts.
    """

    def __init__(
        self,
        store: AlertStore,
        experiments: ExperimentStore,
        publisher: Publisher,
        clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._store = store
        self._experiments = experiments
        self._publisher = publisher
        self._clock = clock
        self._ids = ids
        self._streaks: dict[str, tuple[bool, int]] = {}

    async def set_alert(self, ctx: Context, rule: AlertRule) -> AlertRule:
        await self._experiments.get_experiment(ctx, rule.experiment_id)
        clear = rule.clear_threshold
        above = rule.comparison is AlertComparison.ABOVE
        if clear is not None and (clear > rule.threshold if above else clear < rule.threshold):
            side = "below" if above else "above"
            raise InvalidRequestError(
                f"the clear threshold {clear:g} is on the wrong side of the threshold {rule.threshold:g}",
                hint=f"it must be {side} the threshold or equal to it",
                details={"threshold": rule.threshold, "clear_threshold": clear},
            )
        stored = rule if rule.id else rule.model_copy(update={"id": self._ids.new("alr")})
        self._streaks.pop(stored.id, None)
        return await self._store.put_rule(ctx, stored)

    async def list_rules(self, ctx: Context, experiment_id: str) -> Sequence[AlertRule]:
        return await self._store.list_rules(ctx, experiment_id)

    async def delete_alert(self, ctx: Context, rule_id: str) -> None:
        await self._store.delete_rule(ctx, rule_id)
        self._streaks.pop(rule_id, None)

    async def get_alerts(self, ctx: Context, experiment_id: str) -> Sequence[Alert]:
        return await self._store.list_alerts(ctx, experiment_id)

    async def on_intervals(self, ctx: Context, experiment_id: str, intervals: Sequence[Interval]) -> None:
        """Evaluate every enabled rule on intervals that were just stored."""
        rules = [rule for rule in await self._store.list_rules(ctx, experiment_id) if rule.enabled]
        if not rules:
            return
        firing = {
            alert.rule_id: alert
            for alert in await self._store.list_alerts(ctx, experiment_id)
            if alert.state is AlertState.FIRING
        }
        for interval in intervals:
            for rule in rules:
                await self._evaluate(ctx, rule, interval, firing)

    async def _evaluate(
        self, ctx: Context, rule: AlertRule, interval: Interval, firing: dict[str, Alert]
    ) -> None:
        value = arm_figure(interval, rule.arm, rule.metric)
        if value is None:
            return
        open_alert = firing.get(rule.id)
        holds = _holds(rule, value, clearing=open_alert is not None)
        before, count = self._streaks.get(rule.id, (holds, 0))
        streak = count + 1 if before is holds else 1
        self._streaks[rule.id] = (holds, streak)
        if streak < rule.for_intervals or holds is (open_alert is not None):
            return
        if open_alert is None:
            firing[rule.id] = await self._fire(ctx, rule, interval, value)
        else:
            del firing[rule.id]
            resolved = open_alert.model_copy(
                update={"state": AlertState.RESOLVED, "resolved_at": self._clock.now()}
            )
            await self._store.put_alert(ctx, resolved)
            await self._tell(ctx, resolved, firing=False)

    async def _fire(self, ctx: Context, rule: AlertRule, interval: Interval, value: float) -> Alert:
        message = (
            f"{rule.name}: {rule.metric.value} of the {rule.arm.value} is {value:g}, "
            f"{rule.comparison.value} {rule.threshold:g}"
        )
        alert = await self._store.put_alert(
            ctx,
            Alert(
                id=self._ids.new("alr"),
                rule_id=rule.id,
                experiment_id=rule.experiment_id,
                severity=rule.severity,
                state=AlertState.FIRING,
                message=message,
                value=value,
                interval=interval.index,
                triggered_at=self._clock.now(),
            ),
        )
        await self._publisher.publish(
            ctx,
            rule.experiment_id,
            ThresholdExceeded(
                experiment_id=rule.experiment_id,
                metric=rule.metric.value,
                value=value,
                threshold=rule.threshold,
            ),
        )
        await self._tell(ctx, alert, firing=True)
        return alert

    async def _tell(self, ctx: Context, alert: Alert, *, firing: bool) -> None:
        told = AlertFired(
            alert_id=alert.id,
            rule_id=alert.rule_id,
            experiment_id=alert.experiment_id,
            firing=firing,
            message=alert.message,
        )
        await self._publisher.publish(ctx, alert.experiment_id, told)


def _holds(rule: AlertRule, value: float, *, clearing: bool) -> bool:
    """Whether the condition holds; an alert that fires is only cleared beyond the clear threshold."""
    edge = rule.threshold
    if clearing and rule.clear_threshold is not None:
        edge = rule.clear_threshold
    return value > edge if rule.comparison is AlertComparison.ABOVE else value < edge
