"""Reader of JUnit XML, in the dialects of pytest, surefire, Gradle, gtest and their relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.errors import EvidenceUnreadable
from truegreen.ingest import _xml
from truegreen.ingest._junit_cases import Collector

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening
    from truegreen.model.testrun import TestRun


class JUnitReader:
    """Reads every case at any depth, and refuses a file whose own totals say that results are missing."""

    kind: ClassVar[str] = "junit"
    part: ClassVar[str] = "tests"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is JUnit XML."""
        return opening.root in ("testsuites", "testsuite")

    def read(self, path: Path, root: Path) -> TestRun:
        """Return the cases.

        What became of a test is told by its case alone, never by declared totals. A case that is reported twice
        in one suite keeps its worst outcome, so that a test that passed and whose teardown failed is an error; one
        name in two suites is two tests. Surefire's reruns become attempts.

        Raises:
            EvidenceUnreadable: not JUnit, not well-formed, hostile, or more tests or failures declared than held.
        """
        collector = Collector(root)
        _xml.read(path, collector.connect)
        if collector.disagreements:
            raise EvidenceUnreadable(
                f"{path.name} declares other totals than it holds",
                where=f"{path}:1",
                why="; ".join(collector.disagreements[:3]),
                fix="run the stage again: results were lost. Where the tests have subtests, run them with truegreen's "
                "plugin (`truegreen run`): pytest counts subtests, and only the plugin says how many there were",
            )
        return collector.result()
