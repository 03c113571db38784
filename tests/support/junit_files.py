"""JUnit files of a test, and what is read of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.junit import JUnitReader
from truegreen.model.testrun import Outcome

PASS, FAIL, ERROR, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.SKIP
ROOT = Path("/project")


def read(tmp_path, content):
    path = tmp_path / "junit.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return JUnitReader().read(path, ROOT).cases


def refused(tmp_path, content):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(tmp_path, content)
    return caught.value


def suite(inner, **attributes):
    given = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f'<testsuites><testsuite name="s" {given}>{inner}</testsuite></testsuites>'
