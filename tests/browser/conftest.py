"""Chromium, a JupyterLab server, and pages that tell what went wrong on them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import URLError
from urllib.request import urlopen

import pytest

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 60_000
"""Milliseconds after which something that should have happened has not."""


def _missing(reason: str) -> NoReturn:
    """Skip with the reason, or fail where everything must be there."""
    if os.environ.get("PHOENIX_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running Chromium.

    For one module, not for the session: the driver keeps an event loop on the main thread, and other tests need theirs.
    """
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        _missing("no Chromium on this machine: .ci/install-chromium installs it")
    if importlib.util.find_spec("playwright") is None:
        _missing("playwright is not installed: pip install 'phoenix-nb[test]'")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, headless=True, args=list(_ARGUMENTS))
        yield browser
        browser.close()


class Watched:
    """A page together with what a browser complains about."""

    def __init__(self, page: Any, allowed: tuple[str, ...]) -> None:
        self.page = page
        self.complaints: list[str] = []
        """Errors on the console, errors of scripts, and requests to anywhere else."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._request)
        self._allowed = (*allowed, "data:", "blob:", "about:")

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith(self._allowed):
            self.complaints.append(f"request: {request.url}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab server of this interpreter: its address and its folder."""
    home = tmp_path_factory.mktemp("jupyter")
    folder = home / "notebooks"
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    # No question about news, and nothing fetched for it.
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8"
    )
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
                *(f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="),
                *("--KernelManager.transport=ipc", f"--ServerApp.root_dir={folder}"),
            ],
            env=environment,
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                with urlopen(f"{address}/api", timeout=5):
                    break
            except (URLError, OSError):
                assert process.poll() is None, log.read_text(errors="replace")[-2000:]
                assert time.monotonic() < end, "JupyterLab did not start in time"
                time.sleep(0.1)
        yield address, folder
    finally:
        # It ends its kernels before itself.
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


CONTRAST = """
(root) => {
  // Text against the nearest background that is not transparent, as WCAG 2 counts contrast.
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (c) => [0, 1, 2].map(i => c[i] / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const low = [];
  for (const element of document.querySelector(root).querySelectorAll('*')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest('svg,.sr,.skip')) continue;
    let behind = element;
    while (behind && colour(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
    const [a, b] = [light(colour(getComputedStyle(element).color)),
                    light(colour(behind ? getComputedStyle(behind).backgroundColor : 'white'))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(ratio.toFixed(2) + ' ' + element.textContent.trim().slice(0, 40));
  }
  return low;
}
"""
"""Texts inside a root element whose contrast is below 4.5 to 1."""

UNNAMED = """
(root) => [...document.querySelector(root).querySelectorAll('input,select,textarea,button,a,[tabindex],svg,table')]
  .filter(e => e.getClientRects().length && !e.matches('[tabindex="-1"]'))
  .filter(e => !(
    (e.labels && [...e.labels].some(l => l.textContent.trim())) || e.getAttribute('aria-label') ||
    e.getAttribute('aria-labelledby') || (e.matches('button,a,summary') && e.textContent.trim()) ||
    (e.matches('table') && e.caption && e.caption.textContent.trim()) ||
    e.closest('svg[aria-label]') || e.getAttribute('aria-hidden') === 'true'))
  .map(e => e.outerHTML.slice(0, 120))
"""
"""Controls, pictures and tables inside a root element that have no name."""

COLOUR_ONLY = """
(root) => [...document.querySelector(root).querySelectorAll('[class*="tone-"]')]
  .filter(e => e.getClientRects().length && !/[A-Za-z]{2}/.test(e.textContent))
  .map(e => e.outerHTML.slice(0, 120))
"""
"""Coloured states inside a root element that no word goes with."""
