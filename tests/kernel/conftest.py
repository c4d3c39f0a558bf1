"""A real kernel with a real laboratory in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PATIENCE = 90.0
"""Seconds after which something that should have happened has not."""

SETUP = """
import asyncio, threading, time
import ipywidgets
from ipywidgets.widgets.widget import _instances
import comm
import phoenix_nb

def until(condition, within=60):
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)

def fill(panel, **fields):
    until(lambda: not panel._start.disabled and panel._fields["source"].value)
    panel.experiment.edit(**{"source": "sim:realistic", "duration": "5m", **fields})
    until(lambda: all(panel._fields[name].value == value for name, value in fields.items()))
"""


class Kernel:
    """A kernel process of this interpreter and its client."""

    def __init__(self) -> None:
        from jupyter_client.manager import KernelManager

        self.manager: Any = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client: Any = self.manager.client()
        self._begin()

    def _begin(self) -> None:
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self.run(SETUP)

    def run(self, code: str) -> str:
        """Run a cell; gives what it printed and the text of its result, raises when it raised."""
        return self.finish(self.start(code))

    def start(self, code: str) -> str:
        """Begin a cell and return at once; gives the id of its request."""
        return str(self.client.execute(code))

    def finish(self, request: str, seen: Callable[[dict[str, Any]], None] | None = None) -> str:
        """Wait for the end of a cell.

        Args:
            request: id that :meth:`start` gave.
            seen: gets every message that arrives until then, whatever it belongs to.
        """
        text = []
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if seen is not None:
                seen(message)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    text.append(content["text"])
                case "execute_result" | "display_data":
                    text.append(content["data"]["text/plain"])
                case "error":
                    pytest.fail("\n".join(content["traceback"]))
                case "status" if content["execution_state"] == "idle":
                    return "".join(text).strip()
        pytest.fail("the cell did not end")

    def click(self, model_id: str) -> None:
        """Click a button as a front end does."""
        content = {"comm_id": model_id, "data": {"method": "custom", "content": {"event": "click"}}}
        session = self.client.session
        self.client.shell_channel.send(session.msg("comm_msg", content))

    def restart(self) -> None:
        """Kill the process and start another one."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self.client = self.manager.client()
        self._begin()

    def close(self) -> None:
        """End the process."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """A kernel for the tests of one module."""
    # The kernel must not ask for a history file of the user.
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    kernel = Kernel()
    yield kernel
    kernel.close()
