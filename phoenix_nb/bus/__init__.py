"""The event bus: typed events between services, kept in the journal before anybody sees them."""

from phoenix_nb.bus._bus import AsyncioEventBus, Handler
from phoenix_nb.bus._matching import matches

__all__ = ["AsyncioEventBus", "Handler", "matches"]
