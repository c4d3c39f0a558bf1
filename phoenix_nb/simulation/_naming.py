"""Names and command lines of simulated processes."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_nb.simulation._spec import Role, Template

__all__ = ["Identity", "identify", "plain_name"]

_MIX = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class Identity:
    """The describing attributes of one process."""

    name: str
    """``process.executable.name``."""
    path: str
    """``process.executable.path``; empty for kernel threads."""
    command: str
    """``process.command``; empty for kernel threads."""
    command_line: str
    """``process.command_line``; empty for kernel threads."""
    owner: str
    """``process.owner``."""


def _hex(seed: int, serial: int) -> str:
    # splitmix64: neighbours look unrelated, two serials of one seed never collide in 64 bits.
    value = (serial * _MIX + seed * 0xD1B54A32D192ED03 + _MIX) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return f"{value ^ (value >> 31):016x}"


def plain_name(template: Template) -> str:
    """The name of a template with its placeholders taken out: what globs in effects are matched with."""
    return template.name.replace("{i}", "0").replace("{n}", "0").replace("{hex}", "0")


def identify(template: Template, *, slot: int, serial: int, seed: int, title: int = 0) -> Identity:
    """Fill the placeholders ``{i}`` (instance number), ``{n}`` (unique number) and ``{hex}`` (12 unique digits).

    Plain replacement, not ``str.format``: braces in command lines stay what they are.
    """
    unique = (
        _hex(seed, serial)[:12] if "{hex}" in template.name + template.command_line + template.path else ""
    )

    def fill(text: str) -> str:
        if "{" not in text:
            return text
        return text.replace("{i}", str(slot)).replace("{n}", str(serial)).replace("{hex}", unique)

    if template.role is Role.KERNEL:
        return Identity(fill(template.name), "", "", "", template.owner)
    name = fill(template.name)
    line = fill(template.command_line)
    command = fill(template.command)
    if template.titles:
        # A process that rewrites its title loses argument 0 as well: the whole text is one argument.
        line = command = fill(template.titles[title])
    return Identity(name, fill(template.path), command, line, template.owner)
