"""Scanning the tests of a session: paths of the project, and files that are not there, too long or no text."""

from __future__ import annotations

import pytest

from truegreen.stages.common import fakes_scan

FAKE = "import fakeredis\ndef test_a(): fakeredis.FakeRedis()\n"


def test_paths_are_the_projects_wherever_pytest_has_its_root(tmp_path):
    (tmp_path / "service" / "tests").mkdir(parents=True)
    (tmp_path / "service" / "tests" / "test_a.py").write_text("\ufeff" + FAKE, encoding="utf-8")
    for root, test in ((tmp_path, "service/tests/test_a.py"), (tmp_path / "service", "tests/test_a.py")):
        (use,) = fakes_scan.scan(tmp_path, root, [f"{test}::test_a"]).uses
        assert (use.path, use.line, use.tests) == ("service/tests/test_a.py", 2, (f"{test}::test_a",))


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"#" * (5 << 20), None])
def test_file_that_is_no_text_too_long_or_gone_is_unread(tmp_path, data):
    if data is not None:
        (tmp_path / "test_a.py").write_bytes(data)
    found = fakes_scan.scan(tmp_path, tmp_path, ["test_a.py::test_a"])
    assert [name.partition(":")[0] for name in found.unread] == ["test_a.py"]
