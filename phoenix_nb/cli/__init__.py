"""The ``phoenix`` command: thin, one module per noun."""

from phoenix_nb.cli._main import main

__all__ = ["main"]
