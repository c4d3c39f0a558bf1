"""The notebook's door: open a workspace, compare pipelines, look, report, close."""

from __future__ import annotations

import atexit
import contextlib
import getpass
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from phoenix_nb.errors import PhoenixError
from phoenix_nb.interfaces import (
    Clock,
    Context,
    CreateSimulationRequest,
    EngineKind,
    Experiment,
    ExperimentFilter,
    IdFactory,
    OptimizationRequest,
    OptimizationStrategy,
    OptimizedConfig,
    Plan,
    RuleKind,
    SimulationTarget,
    TargetType,
)
from phoenix_nb.lab._comparisons import Comparison, seconds_of, start_comparison
from phoenix_nb.lab._composition import System
from phoenix_nb.lab._handle import ExperimentHandle
from phoenix_nb.lab._panel_port import PanelPort
from phoenix_nb.lab._panels import make_panel
from phoenix_nb.lab._pipeline_texts import pipeline_text
from phoenix_nb.lab._services import Services
from phoenix_nb.lab._simulation_handle import SimulationHandle
from phoenix_nb.lab._workspace import Workspace, find_workspace
from phoenix_nb.runtime import ControlLoop, Settings, SystemClock, UlidFactory, load_settings
from phoenix_nb.simulation import load_profile

__all__ = ["Lab"]

P = ParamSpec("P")
T = TypeVar("T")
_CLOSE_SECONDS = 30.0
_LOOK_SECONDS = 0.5
_OPEN: weakref.WeakSet[Lab] = weakref.WeakSet()


class Lab:
    """A workspace with its services, usable from any thread that is not the control loop.

    Nothing blocks but what says so: :meth:`compare` returns at once, ``wait()`` waits. Use it as a context manager, or
    call :meth:`close`; a laboratory that is left open is closed when the process ends.

    Example:
        >>> import phoenix_nb
        >>> with phoenix_nb.connect(":memory:") as lab:
        ...     "process-baseline-v1" in [one.name for one in lab.call(lab.services.templates.list_templates)]
        True
    """

    def __init__(
        self, workspace: Workspace, loop: ControlLoop, system: System, settings: Settings, clock: Clock
    ) -> None:
        self._workspace = workspace
        self._loop = loop
        self._system = system
        self._settings = settings
        self._clock = clock
        self._closed = False
        self._port = PanelPort(system.services, loop, settings, self.context, self.pause_between_looks)
        _OPEN.add(self)

    @classmethod
    def open(
        cls,
        target: str | Path | None = None,
        *,
        settings: Settings | None = None,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Open a workspace; :func:`phoenix_nb.connect` is the short way.

        Args:
            target: ``":memory:"``, a folder, or ``None`` for the nearest workspace.
            settings: everything that can be set; ``None`` reads ``PHOENIX_*`` and ``phoenix.toml``.
            clock: tells the time; the system's when ``None``.
            ids: makes ids; random ones when ``None``.
            environment: variables for ``${env:…}`` in configurations; the process's own when ``None``.

        Raises:
            StoreBusyError: another process owns the workspace; it is named.
            StorageError: the folder cannot be written.
            SettingsError: a setting cannot be used.
        """
        settings = load_settings(Path.cwd()) if settings is None else settings
        workspace = find_workspace(settings.workspace if target is None else target, start=Path.cwd())
        clock = SystemClock() if clock is None else clock
        ids = UlidFactory(clock) if ids is None else ids
        loop = ControlLoop()
        try:
            system = loop.run(System.open(workspace, settings, clock, ids, environment=environment))
        except BaseException:
            loop.close()
            raise
        return cls(workspace, loop, system, settings, clock)

    # -- doors -----------------------------------------------------------------------------------------------

    @property
    def services(self) -> Services:
        """The async services; call them with :meth:`call`, or on the control loop with a context."""
        return self._system.services

    @property
    def settings(self) -> Settings:
        """The settings that apply."""
        return self._settings

    @property
    def system(self) -> System:
        """Everything that was built, for tools that look deeper."""
        return self._system

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    @property
    def port(self) -> PanelPort:
        """The laboratory as panels see it."""
        return self._port

    async def pause_between_looks(self) -> None:
        """Wait as long as lies between two looks at figures that change without events."""
        await self._clock.sleep(_LOOK_SECONDS)

    def context(self) -> Context:
        """A context in the name of the user who runs this process."""
        return Context.background(principal=_user())

    def call(
        self,
        method: Callable[Concatenate[Context, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call one method of a service with a fresh context and wait for its answer."""

        async def work() -> T:
            return await method(self.context(), *args, **kwargs)

        return self.run(work())

    def run(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Run a coroutine on the control loop and wait for it.

        Raises:
            DeadlineExceededError: ``timeout`` seconds passed; it was cancelled.
            ClosedError: the laboratory was closed.
        """
        return self._loop.run(work, timeout=timeout)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the control loop and return at once."""
        return self._loop.submit(work)

    # -- experiments -----------------------------------------------------------------------------------------

    def compare(
        self,
        baseline: str,
        candidate: str,
        *,
        source: str = "host",
        every: str | float | timedelta | None = None,
        duration: str | float | timedelta | None = None,
        seed: int | None = None,
        critical: Sequence[str] = (),
        plan: Plan | str | Path | None = None,
        engine: EngineKind | str = EngineKind.EMBEDDED,
        name: str = "",
        keep_payloads: bool = True,
        redact: bool = True,
        stop_when_decided: bool = False,
        aa_override: str = "",
        cost_every: str | float | timedelta = 60.0,
        hosts: int = 1,
        account: bool = False,
    ) -> ExperimentHandle:
        """Start an experiment: both pipelines over the same payloads. Returns at once.

        Args:
            baseline: catalogue name, stored pipeline or collector YAML file of what runs today.
            candidate: the same of what might replace it.
            source: ``host``, ``sim:PROFILE`` or the path of a recording.
            every: scrape period, ``10s`` or seconds; 1 s for the host and 10 s for simulations when omitted.
            duration: length of the run; 60 s for the host and 2 h for simulations when omitted, a recording to its end.
            seed: of a simulated source; 0 when omitted.
            critical: selectors of processes that must stay visible; added to those of the plan.
            plan: the criteria, or their YAML file; the default plan when omitted.
            engine: ``embedded`` or ``otelcol``.
            name: what to call it; made from the pipelines when empty.
            keep_payloads: whether payloads and outputs are kept for queries, replays and the report's loss table.
            redact: whether what looks like a secret in command lines is hidden in what is kept.
            stop_when_decided: whether the run ends at PROMOTE or REJECT instead of at its planned end.
            aa_override: why to start although the last A/A run calls equal arms different; it is recorded.
            cost_every: scrape period of the month that costs are computed for.
            hosts: hosts that costs are computed for.
            account: whether free tiers and allotments count, as in an account that sends nothing else.

        Raises:
            NotFoundError: a pipeline, profile or file does not exist.
            ConfigError: a configuration is refused.
            PlanError: the plan is refused.
            InvalidRequestError: a value does not fit.
        """
        asked = Comparison(
            baseline=baseline,
            candidate=candidate,
            source=source,
            every=_plain(every),
            duration=_plain(duration),
            seed=seed,
            critical=(critical,) if isinstance(critical, str) else critical,
            plan=plan,
            engine=EngineKind(engine),
            name=name,
            keep_payloads=keep_payloads,
            redact=redact,
            stop_when_decided=stop_when_decided,
            aa_override=aa_override,
            cost_every=_plain(cost_every) or 60.0,
            hosts=hosts,
            account=account,
        )

        started = start_comparison(self.context(), asked, self.services, self._settings)
        return ExperimentHandle(self, self.run(started))

    def experiment(self, experiment_id: str) -> ExperimentHandle:
        """A stored experiment.

        Raises:
            NotFoundError: no such experiment.
        """
        handle = ExperimentHandle(self, experiment_id)
        _ = handle.experiment
        return handle

    def experiments(self) -> list[Experiment]:
        """Every experiment of the workspace, newest first."""
        found: list[Experiment] = []
        token = ""
        while True:
            page = self.call(
                self.services.experiments.list_experiments, ExperimentFilter(page_size=200, page_token=token)
            )
            found.extend(page.experiments)
            token = page.next_page_token
            if not token:
                return found

    # -- configurations --------------------------------------------------------------------------------------

    def optimize(
        self,
        recording: str | Path,
        *,
        critical: Sequence[str] = (),
        target: float = 0.6,
        strategy: OptimizationStrategy | str = OptimizationStrategy.BALANCED,
        rules: Sequence[RuleKind | str] = (),
        base: str = "process-baseline-v1",
        group_rest: bool = False,
    ) -> OptimizedConfig:
        """Search a configuration that saves series and keeps critical processes visible; waits for it.

        Args:
            recording: what to learn from.
            critical: selectors of processes that must stay visible.
            target: saving in distinct series, a fraction.
            strategy: ``balanced``, ``aggressive``, ``minimal`` or ``custom``.
            rules: with ``custom`` the kinds of rules that may be used.
            base: what rules are added to: a catalogue name or a YAML file.
            group_rest: whether dropped processes are added up into one group per host.

        Raises:
            SourceError: the recording cannot be read.
            ConflictError: the target cannot be reached; ``details["best"]`` is the best found.
            InvalidRequestError: the request contradicts itself.
        """
        request = OptimizationRequest(
            recording=str(recording),
            critical=(critical,) if isinstance(critical, str) else tuple(critical),
            target=target,
            strategy=OptimizationStrategy(strategy),
            rules=tuple(RuleKind(one) for one in rules),
            base=pipeline_text(base),
            group_rest=group_rest,
        )
        return self.call(self.services.configs.optimize_config, request)

    # -- simulations -----------------------------------------------------------------------------------------

    def simulate(
        self,
        profile: str = "realistic",
        *,
        duration: str | float | timedelta = "60s",
        every: str | float | timedelta = "1s",
        seed: int = 0,
        pace: float | None = 1.0,
        target: TargetType | str = TargetType.VIRTUAL,
        name: str = "",
    ) -> SimulationHandle:
        """Start a simulation. Returns at once.

        Args:
            profile: load profile, for example ``realistic`` or ``high-churn``.
            duration: its length, in its own time.
            every: time between two scrapes, in its own time.
            seed: the same seed gives the same host.
            pace: its seconds per real second; ``None`` runs at full speed.
            target: ``virtual``, or ``local`` for real child processes of this machine.
            name: what to call it.

        Raises:
            NotFoundError: no such profile; the hint lists them.
            InvalidRequestError: a value does not fit.
        """
        chosen = load_profile(profile)
        request = CreateSimulationRequest(
            name=name or f"simulation: {chosen.name}",
            profile=chosen.model_copy(update={"duration_seconds": seconds_of(_plain(duration))}),
            target=SimulationTarget(type=TargetType(target)),
            seed=seed,
            every_seconds=seconds_of(_plain(every)) or 1.0,
            pace=pace,
            auto_start=True,
        )
        made = self.call(self.services.simulations.create_simulation, request)
        return SimulationHandle(self, made.id)

    # -- panels ----------------------------------------------------------------------------------------------

    def panel(self, kind: str = "experiment", **options: Any) -> Any:
        """A panel for notebooks: ``experiment`` or ``simulation``.

        Raises:
            NotFoundError: no panel of this kind is installed; the hint lists them.
        """
        return make_panel(kind, self._port, **options)

    # -- life ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End every run, close the store and the control loop. May be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._loop.closed:
                self._loop.run(self._system.aclose(), timeout=_CLOSE_SECONDS)
        finally:
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Lab({self._workspace}{', closed' if self._closed else ''})"


def _plain(value: str | float | timedelta | None) -> str | float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _user() -> str:
    # A container may have a user id without a name.
    with contextlib.suppress(Exception):
        return getpass.getuser()
    return "local"


@atexit.register
def _close_all() -> None:
    for lab in list(_OPEN):
        with contextlib.suppress(PhoenixError):
            lab.close()
