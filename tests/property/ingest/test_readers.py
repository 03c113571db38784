"""Any bytes at all: a reader returns a record or says why not, and never lets a failure vanish."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truegreen.errors import EvidenceError
from truegreen.ingest.clover import CloverReader
from truegreen.ingest.cobertura import CoberturaReader
from truegreen.ingest.coverage_json import CoverageJsonReader
from truegreen.ingest.jacoco import JacocoReader
from truegreen.ingest.junit import JUnitReader
from truegreen.ingest.lcov import LcovReader
from truegreen.ingest.persistence import PersistenceReader
from truegreen.ingest.pytest_session import PytestSessionReader
from truegreen.model.testrun import Outcome

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "junit").glob("*.xml"))
READERS = (
    *(JUnitReader, CoverageJsonReader, PersistenceReader, PytestSessionReader),
    *(CoberturaReader, LcovReader, JacocoReader, CloverReader),
)
ROOT = Path("/project")
RELAXED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAME = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), min_size=1, max_size=12)


def outcome(reader, path):
    try:
        return reader().read(path, ROOT)
    except EvidenceError as error:
        refusal = error
    assert refusal.what
    assert refusal.where
    return None


@RELAXED
@given(st.binary(max_size=300), st.sampled_from(READERS))
def test_any_bytes_are_read_or_refused(tmp_path, content, reader):
    path = tmp_path / "file"
    path.write_bytes(content)
    outcome(reader, path)


@RELAXED
@given(st.sampled_from(SAMPLES), st.data())
def test_sample_cut_anywhere_is_refused(tmp_path, sample, data):
    content = sample.read_bytes().rstrip()
    path = tmp_path / "junit.xml"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert outcome(JUnitReader, path) is None


@RELAXED
@given(st.lists(st.tuples(NAME, st.sampled_from(["", "<failure/>", "<error/>", "<skipped/>"])), max_size=8))
def test_failing_names_are_all_found_whatever_they_are_called(tmp_path, cases):
    inner = "".join(f"<testcase name={quoteattr(name)}>{element}</testcase>" for name, element in cases)
    path = tmp_path / "junit.xml"
    path.write_text(f"<testsuite>{inner}</testsuite>", encoding="utf-8")
    found = {case.id: case.outcome for case in JUnitReader().read(path, ROOT).cases}
    assert len(found) == len({name for name, _ in cases})
    bad = {name for name, element in cases if element in ("<failure/>", "<error/>")}
    assert {name for name, result in found.items() if result in (Outcome.FAIL, Outcome.ERROR)} == bad
