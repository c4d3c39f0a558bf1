"""``otelcol validate``, and nothing but it."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phoenix_nb.errors import UnavailableError
from phoenix_nb.otelcol._binary import CollectorBinary

__all__ = ["ValidateAnswer", "config_files", "gate_flags", "validate_with_collector"]

_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class ValidateAnswer:
    """What ``otelcol validate`` said."""

    exit_code: int
    """0 when the configuration is valid."""
    text: str
    """Everything it printed, without the last line break; empty when the configuration is valid."""

    @property
    def valid(self) -> bool:
        """Whether the collector takes the configuration."""
        return self.exit_code == 0

    @property
    def reason(self) -> str:
        """Why it does not, without ``Error:`` and without log lines; empty when it does."""
        return self.text.partition("Error: ")[2] or self.text


def validate_with_collector(
    binary: CollectorBinary,
    *yaml: str,
    environment: Mapping[str, str] | None = None,
    feature_gates: Mapping[str, bool] | None = None,
) -> ValidateAnswer:
    """Let a collector check a configuration.

    Args:
        binary: the collector.
        yaml: the configuration; further texts are laid over it.
        environment: the variables that ``${env:…}`` may use, and all that the collector gets.
        feature_gates: gates to switch on or off, by name.

    Raises:
        UnavailableError: the collector cannot be run, or does not end.
    """
    with config_files(*yaml) as files:
        arguments = [*(f"--config={file}" for file in files), *gate_flags(feature_gates or {})]
        try:
            done = subprocess.run(  # noqa: S603 - no shell; the program was found or set
                [str(binary.path), "validate", *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE,
                check=False,
                env=dict(environment or {}),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnavailableError(f"{binary.path} cannot check the configuration: {error}") from error
    return ValidateAnswer(done.returncode, (done.stdout + done.stderr).rstrip("\n"))


@contextlib.contextmanager
def config_files(*texts: str) -> Iterator[list[Path]]:
    """Texts as files that only this user can read, since configurations hold secrets; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="phoenix-otelcol-") as folder:
        files = [Path(folder) / f"{number}.yaml" for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, encoding="utf-8")
        yield files


def gate_flags(gates: Mapping[str, bool]) -> Sequence[str]:
    """The command-line arguments that switch feature gates."""
    if not gates:
        return ()
    return (f"--feature-gates={','.join(('' if on else '-') + name for name, on in gates.items())}",)
