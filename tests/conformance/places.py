"""Where the shared reference data is while tests are collected; a test itself asks the ``shared_dir`` fixture."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["SHARED"]

SHARED = Path(os.environ.get("PHOENIX_SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared")
