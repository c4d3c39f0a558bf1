"""Every test of a command calls it in this process."""

from tests.command_line import phoenix

__all__ = ["phoenix"]
