"""Finding test files, and reporting in JUnit's form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

from phoenix_nb.errors import NotFoundError
from phoenix_nb.lab._collector_test_file import ENDINGS
from phoenix_nb.lab._collector_test_run import PipelineTestResult

__all__ = ["junit_report", "pipeline_test_files"]


def pipeline_test_files(paths: Iterable[Path]) -> list[Path]:
    """Test files; folders stand for the test files in them, at any depth, sorted.

    Raises:
        NotFoundError: a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(one for ending in ENDINGS for one in path.rglob(f"*{ending}"))
        if not inside:
            raise NotFoundError(
                f"the folder {path} holds no pipeline test", hint=f"test files end in {' or '.join(ENDINGS)}"
            )
        found += inside
    return list(dict.fromkeys(found))


def junit_report(results: Sequence[PipelineTestResult]) -> str:
    """A JUnit XML document with one suite per file."""
    root = ET.Element("testsuites", _counts(results))
    for file, found in groupby(results, key=lambda result: result.file):
        cases = list(found)
        suite = ET.SubElement(root, "testsuite", {"name": str(file), **_counts(cases)})
        for case in cases:
            element = ET.SubElement(suite, "testcase", {"classname": str(file), "name": case.name})
            if case.error:
                _add(element, "error", case.error)
            elif case.failures:
                _add(element, "failure", "\n".join(case.failures))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(results: Sequence[PipelineTestResult]) -> dict[str, str]:
    errors = sum(bool(one.error) for one in results)
    failures = sum(bool(one.failures) and not one.error for one in results)
    return {"tests": str(len(results)), "failures": str(failures), "errors": str(errors)}


def _add(parent: ET.Element, kind: str, text: str) -> None:
    # Control characters of attribute values are no XML.
    clean = "".join(sign if sign >= " " or sign in "\n\t" else "\ufffd" for sign in text)
    ET.SubElement(parent, kind, {"message": clean.splitlines()[0]}).text = clean
