"""What both panels share: the tree of widgets, its throttle, and a close that leaves nothing behind."""

from __future__ import annotations

import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import ipywidgets as widgets

from phoenix_nb.reporting import Choice, message_html, status_html, stylesheet
from phoenix_nb_widgets._keyboard import Keyboard
from phoenix_nb_widgets._throttle import LatestWins
from phoenix_nb_widgets._view_model import PanelState, ViewModel

__all__ = ["Panel", "choice_field", "choose", "close_tree", "text_field"]

_LABEL = {"description_width": "150px"}
_WIDE = {"width": "460px", "max_width": "100%"}

S = TypeVar("S", bound=PanelState)

_OPEN: weakref.WeakValueDictionary[tuple[int, str, str], Panel[Any]] = weakref.WeakValueDictionary()
"""The panel shown for (laboratory, kind, run): showing one again closes the former."""

_PANEL_CSS = """
.phx.panel-run { max-width: 46rem; padding: .25rem 0 .5rem; }
.phx.panel-run .verdict { margin-top: .5rem; padding: .9rem 1.1rem; }
.phx.panel-run .box .figure { font-size: 1.9rem; }
.phx.panel-run .box .figure.none { font-size: 1.25rem; }
.phx.panel-run .pair { grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.phx.panel-run table { margin-top: 1rem; }
.phx.panel-run .counts { max-width: 24rem; }
"""


def close_tree(widget: widgets.Widget) -> None:
    """Close a widget with its children, layout and style: ipywidgets keeps each of them alive otherwise."""
    for child in tuple(getattr(widget, "children", ())):
        close_tree(child)
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, widgets.Widget):
            part.close()
    widget.close()


class Panel(ABC, Generic[S]):
    """A view of a view-model: it holds no logic and can be made again at any time.

    Callbacks only call the view-model, which only submits; nothing here waits. State arrives throttled,
    newest wins.

    Args:
        model: what is shown; the panel owns and closes it.
        submitter: runs the throttle.
        key: what tells panels apart; an empty one is never replaced.
        period: seconds between two updates of the widgets.
    """

    kind = "panel"

    def __init__(self, model: ViewModel[S], submitter: Any, *, key: str, period: float = 0.1) -> None:
        self._model = model
        self._closed = False
        self._written: dict[str, str] = {}
        self._renderer = 0
        self._style = widgets.HTML(f"<style>{stylesheet()}{_PANEL_CSS}</style>", layout={"display": "none"})
        self._keyboard = Keyboard(layout={"display": "none"})
        self._status = widgets.HTML(status_html(""))
        self._message = widgets.HTML("")
        self._live = widgets.HTML("")
        self._start = widgets.Button(
            description="Start", button_style="primary", tooltip="Start", disabled=True
        )
        self._stop = widgets.Button(description="Stop", tooltip="Stop", disabled=True)
        self._start.on_click(lambda _: self._model_start())
        self._stop.on_click(lambda _: self._model_stop())
        buttons = widgets.HBox([self._start, self._stop])
        self._fields = self._form_widgets()
        for name, field in self._fields.items():
            field.observe(self._observed(name), names="value")
        self.widget = widgets.VBox(
            [
                self._style,
                self._keyboard,
                *self._fields.values(),
                buttons,
                self._message,
                self._status,
                self._live,
            ],
            layout={"padding": "8px 0"},
        )
        self.widget.add_class("phx-panel")
        self._throttle: LatestWins[S] = LatestWins(submitter, self._render, period=period)
        self._forget = model.on_change(self._throttle.offer)
        if key:
            slot = (id(submitter), self.kind, key)
            if (former := _OPEN.get(slot)) is not None:
                former.close()
            _OPEN[slot] = self

    @property
    def model(self) -> ViewModel[S]:
        """The view-model behind the panel."""
        return self._model

    @property
    def closed(self) -> bool:
        """Whether the panel was closed."""
        return self._closed

    def close(self) -> None:
        """Take the whole tree away and stop watching; what was started goes on. Twice is as good as once."""
        if self._closed:
            return
        self._closed = True
        self._forget()
        self._throttle.close()
        self._model.close()
        close_tree(self.widget)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """The widget, and the text form for displays without widgets."""
        del include, exclude
        if self._closed:
            return {"text/plain": repr(self)}
        bundle = dict(self.widget._repr_mimebundle_())
        return {**bundle, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'closed' if self._closed else self.text})"

    @property
    @abstractmethod
    def text(self) -> str:
        """The status line in words, without ids or times."""

    @abstractmethod
    def _form_widgets(self) -> dict[str, widgets.Widget]:
        """The widgets of the form by field, in reading order."""

    @abstractmethod
    def _edit(self, **fields: str) -> None:
        """Put what was typed into the form."""

    @abstractmethod
    def _model_start(self) -> None:
        """Start what the form says."""

    @abstractmethod
    def _model_stop(self) -> None:
        """Stop what is shown."""

    @abstractmethod
    def _show_state(self, state: S) -> None:
        """Bring the widgets of the concrete panel up to ``state``."""

    def _render(self, _: S) -> None:
        if self._closed:
            return
        # Changes of two threads may arrive in either order: only the model knows the newest.
        state = self._model.state
        self._renderer = threading.get_ident()
        try:
            self._show(state)
        finally:
            self._renderer = 0

    def _show(self, state: S) -> None:
        self._message.value = message_html(state.error, state.hint)
        self._status.value = status_html(self.text)
        self._show_state(state)

    def _write(self, field: str, value: str) -> None:
        """Put a value of the form into its text field when the form changed it, so that what is being typed stays."""
        if self._written.get(field) != value:
            self._written[field] = value
            self._fields[field].value = value

    def _observed(self, field: str) -> Callable[[Any], None]:
        """A callback that puts a widget's new value into the form."""

        def changed(change: Any) -> None:
            # What the panel writes itself is no edit; taken for one, it would undo an edit made meanwhile.
            if self._renderer == threading.get_ident():
                return
            value = str(change["new"] or "")
            self._written[field] = value
            self._edit(**{field: value})

        return changed


def choice_field(name: str) -> widgets.Dropdown:
    """A drop-down of a form; :func:`choose` fills it."""
    return widgets.Dropdown(description=name, style=_LABEL, layout=_WIDE)


def text_field(name: str, placeholder: str = "") -> widgets.Text:
    """A line of a form that speaks when it is left, not with every key."""
    return widgets.Text(
        description=name, placeholder=placeholder, continuous_update=False, style=_LABEL, layout=_WIDE
    )


def choose(dropdown: widgets.Dropdown, choices: Sequence[Choice], value: str) -> None:
    """Fill a drop-down and choose ``value``; one that is not among the choices (a file, say) is added."""
    options = [(choice.title, choice.value) for choice in choices]
    if value and all(value != known for _, known in options):
        options.append((value, value))
    with dropdown.hold_sync():
        if tuple(options) != tuple(dropdown.options):
            dropdown.options = options
        if value and dropdown.value != value:
            dropdown.value = value
