"""What a case does when the engine lacks a component: it is listed by the engine's own words, never passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from phoenix_nb.collector import ConfigProblem
from phoenix_nb.errors import UnsupportedComponentError

__all__ = ["skip_refused", "skip_unsupported"]


@contextmanager
def skip_unsupported() -> Iterator[None]:
    """Skip the case with the names of the components that the engine refuses."""
    try:
        yield
    except UnsupportedComponentError as exc:
        problems = exc.details.get("problems")
        assert isinstance(problems, list)
        names = sorted(
            {
                str(problem["message"]).partition('"')[2].partition('"')[0].partition("/")[0]
                for problem in problems
                if isinstance(problem, dict) and problem["code"] == "COMPONENT_UNSUPPORTED"
            }
        )
        pytest.skip(f"not supported: {', '.join(names)}")


def skip_refused(errors: Sequence[ConfigProblem]) -> None:
    """Skip the case with the name of the first component that the engine does not run."""
    found = next(problem for problem in errors if problem.code == "COMPONENT_UNSUPPORTED")
    pytest.skip(f"not supported: {found.path.split('::')[1].split('/')[0]}")
