from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from tests.kernel.conftest import Kernel

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(240)]


@pytest.fixture
def lab(kernel: Kernel) -> Iterator[Kernel]:
    """A kernel whose namespace holds an open laboratory called ``lab``."""
    kernel.run("lab = phoenix_nb.connect(':memory:')")
    yield kernel
    kernel.run("lab.close()")


class _Updates:
    """Values that one widget was given, as a front end hears of them."""

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id
        self.values: list[str] = []

    def __call__(self, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["comm_id"] == self._model_id:
            value = content["data"].get("state", {}).get("value")
            if value is not None:
                self.values.append(value)


def _panel(kernel: Kernel, **fields: str) -> dict[str, str]:
    """Make a panel called ``panel``, fill its form; gives the model ids of its parts."""
    kernel.run(f"panel = lab.panel()\nfill(panel, **{fields!r})")
    return dict(
        json.loads(
            kernel.run(
                "import json\nprint(json.dumps({name: getattr(panel, '_' + name).model_id"
                " for name in ('start', 'stop', 'status', 'message', 'live')}))"
            )
        )
    )


def test_a_click_while_a_cell_blocks_starts_the_run_and_updates_go_on(lab: Kernel) -> None:
    parts = _panel(lab, critical="postgres*")
    blocked = lab.start("time.sleep(1)")
    lab.click(parts["start"])
    lab.finish(blocked)
    # The next cell blocks the kernel until the run has ended; what the panel shows meanwhile arrives all the same.
    heard = _Updates(parts["status"])
    state = lab.finish(
        lab.start(
            "until(lambda: panel.text.startswith('completed'))\nprint(panel.experiment.state.run.state)"
        ),
        heard,
    )
    assert state == "completed"
    assert any("running" in value for value in heard.values)
    lab.run("until(lambda: 'completed' in panel._status.value)\npanel.close()")


@pytest.mark.skipif(
    Version(version("ipykernel")) < Version("7.4"),
    reason="older kernels hold clicks back while a cell awaits",
)
def test_a_click_while_a_cell_awaits_is_heard_at_once(lab: Kernel) -> None:
    parts = _panel(lab)
    waiting = lab.start(
        "while panel.experiment.run_id is None:\n    await asyncio.sleep(0.02)\nprint('heard')"
    )
    lab.click(parts["start"])
    assert lab.finish(waiting) == "heard"
    lab.click(parts["stop"])
    lab.run("until(lambda: not panel._start.disabled)\npanel.close()")


def test_an_error_of_an_action_is_shown_in_the_panel(lab: Kernel) -> None:
    parts = _panel(lab, candidate="no-such-pipeline")
    lab.click(parts["start"])
    message = lab.run("until(lambda: panel._message.value)\nprint(panel._message.value)")
    assert 'role="alert"' in message
    assert "no-such-pipeline" in message
    assert lab.run("print(panel._start.disabled)") == "False"
    lab.run("panel.close()")


COUNT = """
import re

def count():
    async def tasks():
        return len(asyncio.all_tasks())
    # The pools of the laboratory grow to a fixed size as they are used: each counts once.
    threads = {re.sub(r"_\\d+$", "", thread.name) for thread in threading.enumerate()}
    return len(_instances), len(comm.get_comm_manager().comms), lab.run(tasks()), threads

def steady():
    one = count()
    time.sleep(0.3)
    return one == count()

def nothing_more():
    widgets, comms, tasks, threads = count()
    return (widgets, comms) == (0, 0) and tasks <= before[2] and threads <= before[3]
"""


def test_close_leaves_no_widget_comm_task_or_thread(lab: Kernel) -> None:
    lab.run(COUNT)
    # The first panel starts the pools that the laboratory keeps.
    lab.run("panel = lab.panel(); fill(panel); panel.close(); lab.panel('simulation').close()")
    assert lab.run("until(steady)\nbefore = count()\nprint(before[:2])") == "(0, 0)"
    parts = _panel(lab)
    lab.click(parts["start"])
    lab.run("until(lambda: panel.text.startswith('completed'))")
    assert lab.run("print(nothing_more())") == "False"
    lab.run("panel.close(); panel.close()")
    lab.run("until(nothing_more)")
    assert lab.run("panel") == "ExperimentPanel(closed)"


def test_closing_the_laboratory_ends_its_threads(kernel: Kernel) -> None:
    kernel.run(
        "before = {thread.ident for thread in threading.enumerate()}\nlab = phoenix_nb.connect(':memory:')"
    )
    kernel.run("panel = lab.panel(); fill(panel)\nlab.close()\npanel.close()")
    kernel.run("until(lambda: {thread.ident for thread in threading.enumerate()} <= before)")


def test_a_run_is_shown_again_after_its_panel_was_closed(lab: Kernel) -> None:
    parts = _panel(lab, critical="postgres*")
    lab.click(parts["start"])
    shown = lab.run(
        "from phoenix_nb.reporting import run_html\n"
        "until(lambda: panel.text.startswith('completed'))\n"
        "until(lambda: panel._live.value == run_html(panel.experiment.state.run))\n"
        "run, html = panel.experiment.run_id, panel._live.value\npanel.close()\nprint(html)"
    )
    again = lab.run(
        "again = lab.panel(experiment_id=run)\nuntil(lambda: again._live.value)\nprint(again._live.value)"
    )
    assert again == shown
    assert "postgres" in again
    # One panel per run: showing it once more closes the former.
    assert lab.run("third = lab.panel(experiment_id=run)\nprint(again.closed)\nthird.close()") == "True"


def test_without_widgets_a_panel_is_a_line_of_text(lab: Kernel) -> None:
    assert lab.run("panel = lab.panel('simulation')\nuntil(lambda: not panel._start.disabled)\npanel") == (
        "SimulationPanel(No simulation yet. Choose a profile and press Start.)"
    )
    # Nothing that a reader without widgets could do with the rest: no markup, no ids, no addresses.
    assert lab.run("panel.close()\npanel") == "SimulationPanel(closed)"


def test_a_killed_kernel_loses_the_panel_but_not_the_runs(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run(f"lab = phoenix_nb.connect({str(tmp_path)!r})")
    parts = _panel(kernel)
    kernel.click(parts["start"])
    done = kernel.run("until(lambda: panel.text.startswith('completed'))\nprint(panel.experiment.run_id)")
    text = kernel.run("print(panel.text)")
    kernel.run("fill(panel, source='host', duration='10m', every='1s')")
    kernel.click(parts["start"])
    cut = kernel.run(
        f"until(lambda: panel.text.startswith('running') and panel.experiment.run_id != {done!r})\n"
        "print(panel.experiment.run_id)"
    )

    kernel.restart()
    kernel.run(f"lab = phoenix_nb.connect({str(tmp_path)!r})")
    kernel.run(
        f"first, second = lab.panel(experiment_id={done!r}), lab.panel(experiment_id={cut!r})\n"
        "until(lambda: first._live.value and second._live.value)"
    )
    assert kernel.run("print(first.text)") == text
    # What ended with the process is no running run any more, and the panel gives the reason.
    assert kernel.run("print(second.experiment.state.run.terminal, second._stop.disabled)") == "True True"
    assert "ended before the run did" in kernel.run("print(second._live.value)")
    kernel.run("first.close(); second.close(); lab.close()")
