"""What every layer above may use: control loop, clock, ids, settings, price files, logging, instrumentation."""

from phoenix_nb.runtime._clocks import SystemClock, VirtualClock
from phoenix_nb.runtime._control_loop import ControlLoop
from phoenix_nb.runtime._durations import format_duration, parse_duration
from phoenix_nb.runtime._files import write_atomically
from phoenix_nb.runtime._ids import UlidFactory
from phoenix_nb.runtime._instrument import CallMetrics, instrument
from phoenix_nb.runtime._logging import configure_logging, get_logger
from phoenix_nb.runtime._prices import default_prices, load_prices
from phoenix_nb.runtime._settings import Settings, load_settings
from phoenix_nb.runtime._times import from_unix_nano, to_unix_nano, to_utc

__all__ = [
    "CallMetrics",
    "ControlLoop",
    "Settings",
    "SystemClock",
    "UlidFactory",
    "VirtualClock",
    "configure_logging",
    "default_prices",
    "format_duration",
    "from_unix_nano",
    "get_logger",
    "instrument",
    "load_prices",
    "load_settings",
    "parse_duration",
    "to_unix_nano",
    "to_utc",
    "write_atomically",
]
