from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phoenix_nb.reporting import ComparisonPage, report_notebook_path, stylesheet, template_root
from phoenix_nb.reporting._child import _export
from phoenix_nb.testing.sample_reports import sample_comparison
from tests.browser.conftest import COLOUR_ONLY, CONTRAST, UNNAMED, Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

STATES = ("PROMOTE", "REJECT", "INCONCLUSIVE", "TOO_SHORT", "UNHEALTHY")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One report page per verdict.

    The cells' outputs are made here instead of in a kernel, which the kernel tests run; the export is the real one.
    """
    import nbformat

    found = {}
    for state in STATES:
        folder = tmp_path_factory.mktemp(state)
        page = ComparisonPage(sample_comparison(state, intervals=150))
        v4: Any = nbformat.v4
        notebook = v4.reads(report_notebook_path().read_text(encoding="utf-8"))
        for cell in notebook.cells:
            (tag,) = cell.metadata["tags"]
            if hasattr(page, tag) and tag != "result":
                data = getattr(page, tag)()._repr_mimebundle_()
                cell.outputs = [v4.new_output("execute_result", data=data, execution_count=1)]
        (folder / "report.ipynb").write_text(v4.writes(notebook), encoding="utf-8")
        job = {
            "output_notebook": str(folder / "report.ipynb"),
            "output_html": str(folder / "report.html"),
            "title": state,
            "lang": "en",
            "template_root": str(template_root()),
            "stylesheet": stylesheet(),
        }
        _export(job)
        found[state] = folder / "report.html"
    return found


@pytest.fixture
def offline(chromium: Any) -> Iterator[Any]:
    """Opens pages with the network off, in a theme and a width."""
    opened = []

    def new(theme: str = "light", width: int = 1100) -> Watched:
        context = chromium.new_context(
            offline=True, color_scheme=theme, viewport={"width": width, "height": 900}
        )
        opened.append(context)
        page = context.new_page()
        page.route(
            "**/*",
            lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort(),
        )
        return Watched(page, ("file:",))

    yield new
    for context in opened:
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_report_opens_with_the_network_off(offline: Any, reports: dict[str, Path], theme: str) -> None:
    watched = offline(theme)
    page = watched.page
    backgrounds = set()
    for state, path in reports.items():
        page.goto(path.as_uri())
        # The verdict is on the first screen, the saving after it.
        assert page.locator("#verdict").bounding_box()["y"] < 450
        assert page.locator("#verdict").bounding_box()["y"] < page.locator("#saving").bounding_box()["y"]
        assert page.locator("#verdict .word").inner_text().strip()
        assert page.evaluate(CONTRAST, "main") == [], state
        assert page.evaluate(UNNAMED, "main") == [], state
        assert page.evaluate(COLOUR_ONLY, "main") == [], state
        if state in {"PROMOTE", "REJECT", "INCONCLUSIVE"}:
            assert page.locator("#course svg[role=img]").count() == 2, state
        backgrounds.add(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert backgrounds == {"rgb(253, 253, 252)" if theme == "light" else "rgb(18, 21, 24)"}
    assert watched.complaints == []


def test_a_rejection_names_the_missed_process_at_once(offline: Any, reports: dict[str, Path]) -> None:
    page = offline().page
    page.goto(reports["REJECT"].as_uri())
    assert "postgres" in page.locator("#verdict").inner_text()


def test_a_narrow_page_does_not_scroll_sideways(offline: Any, reports: dict[str, Path]) -> None:
    page = offline(width=360).page
    for path in reports.values():
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        # What is wider than the page scrolls by itself, and can be reached by keyboard.
        assert page.evaluate(
            "[...document.querySelectorAll('caption')].every(e => e.getBoundingClientRect().width <= 360)"
        )


def test_a_report_is_read_by_keyboard(offline: Any, reports: dict[str, Path]) -> None:
    page = offline().page
    page.goto(reports["PROMOTE"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#saving"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1


def test_print_shows_black_on_white_in_a_dark_theme_too(offline: Any, reports: dict[str, Path]) -> None:
    page = offline("dark").page
    page.goto(reports["PROMOTE"].as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CONTRAST, "main") == []
    assert not page.locator(".contents").is_visible()
    assert len(page.pdf(format="A4", print_background=True)) > 20_000
