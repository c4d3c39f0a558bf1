"""transform: runs statements on resources, scopes, metrics and points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._aggregate import AttributeKeys
from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._gates import TRANSFORM_IGNORES, default_error_mode
from phoenix_nb.collector.components._transform_edits import Edit, MetricWork
from phoenix_nb.collector.components._transform_rows import run_by_rows
from phoenix_nb.collector.components._transform_settings import (
    CompiledGroup,
    TransformSettings,
    check_settings,
    compile_groups,
)
from phoenix_nb.collector.ottl import COLUMN_OF, LEVEL_OF, Axis, OttlError, Outcome, Rows, Statement
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Dictionary, Frames, KeyValues

__all__ = ["TRANSFORM"]

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_MOST_ROUNDS: Final = 64
_MOST_METRICS: Final = 20_000_000


class _Group:
    """Statements of one context over whole columns, or row by row where the order of rows decides.

    Args:
        compiled: the statements.
        mode: what a failure does.
        keys: the numbers of attribute sets.
    """

    def __init__(self, compiled: CompiledGroup, mode: str, keys: AttributeKeys) -> None:
        self._compiled = compiled
        self._mode = compiled.mode or mode
        self._keys = keys
        self._level = compiled.context.level
        self._caches: Dictionary[KeyValues] = Dictionary(
            size=lambda value: value.wire_size, identity=lambda value: value.digest
        )
        self._caches.intern(KeyValues.EMPTY)
        self._edits: dict[int, Edit] = {
            at: edit
            for at, statement in enumerate(compiled.statements)
            if (edit := _edit_of(statement)) is not None
        }
        self._lifted = self._liftable()
        self._by_rows = any(
            at not in self._edits and at not in self._lifted and not self._own(statement)
            for at, statement in enumerate(compiled.statements)
        )
        if self._by_rows and self._edits:
            raise BuildError(
                "statements that change whole metrics together with ones that write to the resource or scope from the "
                "same group are not supported by the embedded engine; put them into groups of their own"
            )

    def _own(self, statement: Statement) -> bool:
        """Whether a statement writes nothing but what its rows own themselves."""
        if len(statement.writes) != 1:
            return False
        (axis,) = statement.writes
        return axis == "cache" or LEVEL_OF.get(axis) == self._level

    def _liftable(self) -> dict[int, Axis]:
        """Statements that write to what their rows share, by what they write, when the order of rows decides nothing.

        Such a statement looks at nothing below what it writes to, no earlier statement and no condition of the group
        looks at what it writes, and, which is checked while it runs, doing it again changes nothing.
        """
        made: dict[int, Axis] = {}
        conditions = frozenset[Axis]().union(*(condition.axes for _, condition in self._compiled.conditions))
        earlier: set[Axis] = set(conditions)
        for at, statement in enumerate(self._compiled.statements):
            axis = next(iter(statement.writes)) if len(statement.writes) == 1 else ""
            level = LEVEL_OF.get(axis)
            if at in self._edits or self._own(statement) or level is None:
                earlier |= statement.axes
                continue
            above = {name for name, owner in LEVEL_OF.items() if _ABOVE.index(owner) <= _ABOVE.index(level)}
            written = set(made.values()) - {axis}
            if axis in earlier or not statement.axes <= above or statement.axes & written:
                return {}
            made[at] = axis
        if any(
            self._compiled.statements[at].axes & (set(made.values()) - {axis}) for at, axis in made.items()
        ):
            return {}
        return made

    def run(self, flow: Flow) -> Flow:
        """Run the group over payloads."""
        if not self._by_rows:
            try:
                return self._run_columns(flow)
            except _OrderDecidesError:
                # What one row did changes what the next one does.
                if self._edits:
                    raise InvalidRequestError(
                        "a transform processor changes whole metrics and a shared value that every row changes again",
                        hint="put these statements into groups of their own",
                    ) from None
        frames, refused, logged = run_by_rows(flow.frames, self._compiled, self._mode)
        return flow.to(frames, logged).refuse(refused)

    def _run_columns(self, flow: Flow) -> Flow:
        errors = _Errors(self._mode)
        work = MetricWork(flow.frames.compact(), self._keys)
        active: Mask | None = None
        for _ in range(_MOST_ROUNDS):
            self._round(work, active, errors)
            if not work.added:
                break
            active = work.settle()
            if work.frames.n_metrics > _MOST_METRICS:
                raise _endless()
        else:
            raise _endless()
        return flow.to(work.frames, errors.logged).refuse(errors.by_payload(work.frames, self._level))

    def _round(self, work: MetricWork, active: Mask | None, errors: _Errors) -> None:
        """Every statement for the active rows; metrics that are added wait for the next round."""
        rows = Rows(work.frames, self._level, self._caches)
        active = self._active(rows, active, errors)
        order = 0
        for at, statement in enumerate(self._compiled.statements):
            if active is not None and not active.any():
                break
            order += 1
            if at in self._lifted:
                self._lift(rows, statement, active)
                continue
            mask, outcome = statement.when(rows, active)
            if outcome is not None and outcome.error is not None:
                errors.of_condition(outcome, active, statement, order)
            edit = self._edits.get(at)
            if edit is None:
                failures = statement.apply(rows, mask)
                if failures is not None:
                    texts = [failures.text(number) for number in range(len(failures.rows))]
                    errors.add(
                        failures.rows.tolist(), texts, f"failed to execute statement: {statement.text}", order
                    )
                continue
            chosen = np.arange(len(rows)) if mask is None else np.flatnonzero(mask)
            if not len(chosen):
                continue
            work.frames = rows.changed()
            failed = edit.edit(work, rows, chosen, order)
            if failed:
                errors.add(
                    list(failed),
                    list(failed.values()),
                    f"failed to execute statement: {statement.text}",
                    order,
                )
            rows = rows.moved_to(work.frames)
        self._check_stable(rows, active)
        work.frames = rows.changed()

    def _lift(self, rows: Rows, statement: Statement, active: Mask | None) -> None:
        """Run a statement once for everything that is shared by active rows."""
        (axis,) = statement.writes
        shared = rows.at_level(LEVEL_OF[axis])
        mask, outcome = statement.when(shared, rows.owners(LEVEL_OF[axis], active))
        failures = statement.apply(shared, mask)
        if failures is not None or (outcome is not None and outcome.any_failed):
            raise _OrderDecidesError
        column = COLUMN_OF[axis]
        rows.set_column(column, shared.column(column))

    def _check_stable(self, rows: Rows, active: Mask | None) -> None:
        for at, axis in self._lifted.items():
            statement = self._compiled.statements[at]
            shared = rows.at_level(LEVEL_OF[axis])
            before = shared.column(COLUMN_OF[axis])
            mask, _ = statement.when(shared, rows.owners(LEVEL_OF[axis], active))
            statement.apply(shared, mask)
            if not np.array_equal(before, shared.column(COLUMN_OF[axis])):
                raise _OrderDecidesError

    def _active(self, rows: Rows, active: Mask | None, errors: _Errors) -> Mask | None:
        """The rows for which one of the group's conditions holds."""
        conditions = self._compiled.conditions
        if not conditions:
            return active
        holds = np.zeros(len(rows), dtype=np.bool_)
        undecided = np.ones(len(rows), dtype=np.bool_) if active is None else active.copy()
        for text, condition in conditions:
            found = condition.over(rows)
            if found.error is not None:
                here = np.flatnonzero((found.error >= 0) & undecided)
                texts = [found.errors[number] for number in found.error[here].tolist()]
                errors.add(here.tolist(), texts, f"failed to eval condition: {text}", 0)
                if self._mode == "propagate":
                    undecided[here] = False
            hit = found.true & undecided
            holds |= hit
            undecided &= ~hit
        return holds


def _endless() -> InvalidRequestError:
    return InvalidRequestError(
        "the statements of a transform processor add metrics without end",
        hint="give statements such as copy_metric a condition that their own copies do not fulfil",
    )


class _OrderDecidesError(Exception):
    """What a statement does to a shared value depends on how often it is done."""


_ABOVE: Final = ("rm", "sm", "m", "p")


class _Errors:
    """What failed: logged, or the reason why a payload is refused."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._first: dict[int, tuple[int, str]] = {}
        self.logged: dict[str, None] = {}

    def add(self, rows: Sequence[int], texts: Sequence[str], what: str, order: int) -> None:
        """Errors of rows in one statement; the earliest one of the earliest row is what a sender gets."""
        if self._mode == "silent":
            return
        for row, text in zip(rows, texts, strict=True):
            message = f"{what}, {text}"
            if self._mode == "ignore":
                self.logged[message] = None
            elif row not in self._first or order < self._first[row][0]:
                self._first[row] = (order, message)

    def of_condition(self, outcome: Outcome, active: Mask | None, statement: Statement, order: int) -> None:
        """Errors of the condition of a statement."""
        assert outcome.error is not None  # noqa: S101 - the caller has looked
        failed = outcome.error >= 0
        here = np.flatnonzero(failed if active is None else failed & active)
        texts = [outcome.errors[number] for number in outcome.error[here].tolist()]
        self.add(here.tolist(), texts, f"failed to execute statement: {statement.text}", order)

    def by_payload(self, frames: Frames, level: str) -> dict[int, str]:
        """Per payload the error that the sender gets: that of the first row."""
        if not self._first:
            return {}
        payload = getattr(frames, f"{level}_payload")
        made: dict[int, str] = {}
        for row in sorted(self._first):
            made.setdefault(int(payload[row]), self._first[row][1])
        return made


def _edit_of(statement: Statement) -> Edit | None:
    if "metric" not in statement.writes:
        return None
    made: Callable[..., Any] = statement.made.getter.get
    return made if hasattr(made, "edit") else None


class _TransformStage(Stateless):
    def __init__(self, groups: Sequence[_Group]) -> None:
        self._groups = groups

    def process(self, flow: Flow) -> Flow:
        for group in self._groups:
            flow = group.run(flow)
        return flow


def _build(settings: TransformSettings, setup: Setup) -> Stage:
    default = default_error_mode(setup, TRANSFORM_IGNORES)
    keys = AttributeKeys(setup.dictionaries)
    try:
        groups = compile_groups(settings, setup.version)
    except OttlError as exc:
        raise BuildError(str(exc)) from exc
    return _TransformStage([_Group(group, settings.error_mode or default, keys) for group in groups])


TRANSFORM: Final = ComponentType(
    ComponentKind.PROCESSOR, "transform", TransformSettings, build=_build, check=check_settings
)
"""The transform processor."""
