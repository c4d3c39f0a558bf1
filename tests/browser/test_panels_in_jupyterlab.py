from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import COLOUR_ONLY, CONTRAST, PATIENCE, UNNAMED, Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PANEL = ".jp-OutputArea-output .widget-vbox"
ERRORS_OF_JUPYTERLAB = ("Failed to load resource",)
"""What JupyterLab itself says on the console when a workspace or a setting is new."""


def _notebook(path: Path, *cells: str) -> None:
    content = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"cell-{number}",
                "metadata": {},
                "outputs": [],
                "source": cell,
            }
            for number, cell in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(scope="module")
def lab(chromium: Any, server: tuple[str, Path]) -> Iterator[Watched]:
    """A notebook in JupyterLab whose only cell shows the experiment panel, run."""
    address, folder = server
    _notebook(folder / "panel.ipynb", "import phoenix_nb\nlab = phoenix_nb.connect(':memory:')\nlab.panel()")
    context = chromium.new_context(viewport={"width": 1200, "height": 1300})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    watched = Watched(page, (address, address.replace("http", "ws")))
    page.goto(f"{address}/lab/tree/panel.ipynb?reset")
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.locator(".jp-Toolbar-kernelStatus, .jp-Notebook-ExecutionIndicator").first.wait_for()
    page.keyboard.press("Shift+Enter")
    page.locator(f"{PANEL} button:not([disabled])", has_text="Start").wait_for()
    yield watched
    context.close()


def _type(page: Any, text: str) -> None:
    """Replace what is in the focused field and go to the next one, by keyboard."""
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Tab")


def _focused(page: Any) -> str:
    return str(
        page.evaluate(
            "(e => (e.labels && e.labels[0] ? e.labels[0] : e).textContent.trim())(document.activeElement)"
        )
    )


def test_a_run_from_form_to_verdict_by_keyboard_in_both_themes(lab: Watched) -> None:
    page = lab.page
    panel = page.locator(PANEL).first
    # The form, with nothing but the keyboard.
    panel.locator("select").first.focus()
    assert _focused(page).startswith("Source")
    page.keyboard.type("Simulated")
    page.keyboard.press("Tab")
    assert _focused(page).startswith("Baseline")
    page.keyboard.press("Tab")
    page.keyboard.type("process-min")
    page.keyboard.press("Tab")
    assert _focused(page) == "Critical processes"
    _type(page, "postgres*")
    assert _focused(page) == "Duration"
    _type(page, "10m")
    assert _focused(page) == "Scrape every"
    page.keyboard.press("Tab")
    assert _focused(page) == "Seed (simulated)"
    _type(page, "7")
    assert _focused(page) == "Start"
    page.keyboard.press("Enter")
    # State, figures and verdict arrive while the run goes on, and stay.
    status = panel.locator("[role=status]")
    status.filter(has_text="intervals").wait_for()
    status.filter(has_text="completed, 60 of 60 intervals").wait_for()
    live = panel.locator(".panel-run")
    live.filter(has_text="postgres").wait_for()
    assert live.locator(".verdict .word").inner_text() == "Too short"
    assert "fewer data points" in live.locator(".measured").inner_text()
    assert "No projection" in live.locator(".projected").inner_text()
    assert panel.locator("select").nth(2).input_value() == "process-minimal-v1"
    for theme in ("light", "dark"):
        if theme == "dark":
            page.locator(".lm-MenuBar-itemLabel", has_text="Settings").click()
            page.locator(".lm-Menu-itemLabel", has_text="Theme").first.click()
            page.locator(".lm-Menu-itemLabel", has_text="JupyterLab Dark").first.click()
            page.locator('body[data-jp-theme-light="false"]').wait_for(state="attached")
        # The sheet follows the theme of JupyterLab, not that of the system.
        page.wait_for_function(
            "(scheme) => getComputedStyle(document.querySelector('.panel-run')).colorScheme === scheme",
            arg=theme,
        )
        assert page.evaluate(CONTRAST, ".panel-run") == [], theme
        assert page.evaluate(UNNAMED, PANEL) == []
        assert page.evaluate(COLOUR_ONLY, ".panel-run") == []
    assert page.evaluate(
        "(panel) => document.querySelector(panel).scrollWidth <= document.querySelector(panel).clientWidth",
        PANEL,
    )
    # A long run, with a band, stopped in its middle by keyboard.
    _again(page, panel)
    complaints = [
        one for one in lab.complaints if not one.removeprefix("console: ").startswith(ERRORS_OF_JUPYTERLAB)
    ]
    assert complaints == []


def _again(page: Any, panel: Any) -> None:
    # Equal pipelines differ by no noise, so their band is there soonest.
    panel.locator("select").nth(2).focus()
    page.keyboard.type("process-base")
    panel.locator("input").nth(1).focus()
    _type(page, "1d")
    panel.locator("button", has_text="Start").focus()
    page.keyboard.press("Enter")
    panel.locator("[role=status]", has_text="running").wait_for()
    panel.locator(".projected svg[role=img]").wait_for()
    page.keyboard.press("Tab")
    assert _focused(page) == "Stop"
    page.keyboard.press("Enter")
    panel.locator("[role=status]", has_text="completed").wait_for()
    panel.locator("button:not([disabled])", has_text="Start").wait_for()


def test_an_error_is_shown_where_it_happened(lab: Watched) -> None:
    page = lab.page
    panel = page.locator(PANEL).first
    panel.locator("input").nth(1).focus()
    _type(page, "soon")
    panel.locator("button", has_text="Start").focus()
    page.keyboard.press("Enter")
    alert = panel.locator("[role=alert]")
    alert.wait_for()
    assert "'soon' is no length of time" in alert.inner_text()
    assert "10m" in alert.inner_text()
    # The field keeps what was typed, so that it can be corrected.
    assert panel.locator("input").nth(1).input_value() == "soon"
