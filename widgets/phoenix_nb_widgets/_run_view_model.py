"""What both panels do: choose in a form, start, watch and stop one run at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb_widgets._ports import Submitter
from phoenix_nb_widgets._view_model import ViewModel

__all__ = ["RunPanelState", "RunViewModel", "ShownRun"]


class ShownRun(Protocol):
    """What a panel asks of the run that it shows."""

    @property
    def terminal(self) -> bool:
        """Whether it has ended."""

    @property
    def can_stop(self) -> bool:
        """Whether it can be stopped."""


F = TypeVar("F")
R = TypeVar("R", bound=ShownRun)


@dataclass(frozen=True, slots=True)
class RunPanelState(Generic[F, R]):
    """What every panel of a run shows."""

    form: F
    """The form."""
    run: R | None = None
    """The run that is shown; ``None`` when there is none."""
    busy: str = ""
    """The action under way; empty when there is none."""
    error: str = ""
    """What went wrong last; empty when nothing did."""
    hint: str = ""
    """What to do about it."""

    @property
    def can_start(self) -> bool:
        """Whether Start may be pressed: nothing is under way and no shown run is still going."""
        return not self.busy and (self.run is None or self.run.terminal)

    @property
    def can_stop(self) -> bool:
        """Whether Stop may be pressed."""
        return not self.busy and self.run is not None and self.run.can_stop


S = TypeVar("S", bound=RunPanelState[Any, Any])


class RunViewModel(ViewModel[S], Generic[S, R]):
    """Chooses, starts, watches and stops one run at a time.

    Args:
        submitter: the laboratory.
        state: the empty form.
        run_id: a stored run to show; ``None`` shows the empty form.
    """

    _NOUN: ClassVar[str]
    """What a run is called in messages."""

    def __init__(self, submitter: Submitter, state: S, run_id: str | None) -> None:
        super().__init__(submitter, state)
        self._run_id = run_id

    @property
    def run_id(self) -> str | None:
        """Id of the run that is shown."""
        return self._run_id

    def load(self) -> Future[None]:
        """Fetch the choices and, when there is a run to show, its stored state; then watch it."""
        return self._act("loading", self._load())

    def edit(self, **fields: str) -> None:
        """Change fields of the form."""
        self._update(lambda state: replace(state, form=replace(state.form, **fields)))

    def start(self) -> Future[None]:
        """Start what the form asks for."""
        return self._act("starting", self._start())

    def stop(self) -> Future[None]:
        """Stop the run that is shown."""
        return self._act("stopping", self._stop())

    def show(self, run_id: str) -> Future[None]:
        """Show another stored run."""
        return self._act("loading", self._show(run_id))

    async def _load(self) -> None:
        await self._load_choices()
        if self._run_id is not None:
            await self._show(self._run_id)

    async def _start(self) -> None:
        await self._show(await self._start_run())

    async def _stop(self) -> None:
        if self._run_id is None:
            raise InvalidRequestError(f"there is no {self._NOUN} to stop", hint="start one first")
        await self._stop_run(self._run_id)
        self._change(run=await self._view(self._run_id))

    async def _show(self, run_id: str) -> None:
        self._run_id = run_id
        self._change(run=await self._view(run_id))
        self._follow(self._updates(run_id), self._on_update)

    def _on_update(self, run: R) -> None:
        # An update of a former run may still be on its way when another one is shown.
        if self._id_of(run) == self._run_id:
            self._change(run=run)

    @abstractmethod
    async def _load_choices(self) -> None:
        """Put what there is to choose into the state."""

    @abstractmethod
    async def _start_run(self) -> str:
        """Start what the form asks for; returns the id of the run."""

    @abstractmethod
    async def _stop_run(self, run_id: str) -> None:
        """Stop a run."""

    @abstractmethod
    async def _view(self, run_id: str) -> R:
        """A run as it is now."""

    @abstractmethod
    def _updates(self, run_id: str) -> AsyncIterator[R]:
        """A run each time it changes."""

    @abstractmethod
    def _id_of(self, run: R) -> str:
        """The id of a run."""
