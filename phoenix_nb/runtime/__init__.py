"""What every layer above may use: control loop, clock, ids, settings, price files, instrumentation."""

from phoenix_nb.runtime._clocks import SystemClock, VirtualClock
from phoenix_nb.runtime._control_loop import ControlLoop
from phoenix_nb.runtime._durations import format_duration, parse_duration
from phoenix_nb.runtime._ids import UlidFactory
from phoenix_nb.runtime._instrument import CallMetrics, instrument
from phoenix_nb.runtime._prices import default_prices, load_prices
from phoenix_nb.runtime._settings import Settings, load_settings

__all__ = [
    "CallMetrics",
    "ControlLoop",
    "Settings",
    "SystemClock",
    "UlidFactory",
    "VirtualClock",
    "default_prices",
    "format_duration",
    "instrument",
    "load_prices",
    "load_settings",
    "parse_duration",
]
