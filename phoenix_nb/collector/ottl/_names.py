"""Names of parameters: the collector reads every spelling that becomes the same name in Go."""

from __future__ import annotations

__all__ = ["field_name"]


def field_name(name: str) -> str:
    """The name of a parameter in Go: ``header_delimiter`` and ``headerDelimiter`` are both ``HeaderDelimiter``.

    Letters after an underscore or a digit become capitals, and of several capitals in a row only the first one stays.
    So a field such as ``SourceIP`` is not reached by ``source_ip`` or ``sourceIP``, but by ``source_i_p``.

    Args:
        name: as users write it: ASCII letters, digits and underscores.
    """
    made: list[str] = []
    start, after_capital = True, False
    for letter in name:
        if start:
            made.append(letter.upper())
        elif after_capital:
            made.append(letter.lower())
        else:
            made.append(letter)
        after_capital = letter.isupper()
        start = not letter.isalpha()
    return "".join(made).replace("_", "")
