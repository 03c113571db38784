"""The quarantine file: what is taken, what is refused, and where each error points."""

from __future__ import annotations

from datetime import date

import pytest

from truegreen.config import quarantine, settings
from truegreen.errors import ConfigSyntax, UnknownKey, WrongValue

ROW = {
    "test": '"tests/test_a.py::test_x"',
    "owner": '"jo"',
    "issue": '"#7"',
    "reason": '"waits for a port"',
    "created": "2026-11-01",
    "expires": "2026-12-01",
}


def written(folder, *rows, head="# known\n"):
    path = folder / quarantine.FILE
    tables = ("\n".join(["[[quarantine]]", *(f"{key} = {value}" for key, value in row.items())]) for row in rows)
    path.write_text(head + "\n\n".join(tables) + "\n")
    return path


def read(folder, *rows, max_days=30):
    return quarantine.read(written(folder, *rows), "q.toml", max_days)


def test_row_is_read_with_its_place(tmp_path):
    (row,) = read(tmp_path, {**ROW, "renewed": "2026-11-20", "expires": "2026-12-20"})
    assert (row.test, row.owner, row.renewed) == ("tests/test_a.py::test_x", "jo", date(2026, 11, 20))
    assert (row.file, row.line, row.last_line) == ("q.toml", 2, 9)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"expires": "2026-12-02"}, WrongValue),
        ({"expires": "2026-10-31"}, WrongValue),
        ({"renewed": "2026-11-01"}, WrongValue),
        ({"renewed": "2026-12-02", "expires": "2026-12-03"}, WrongValue),
        ({"renewed": "2026-12-01", "expires": "2027-01-01"}, WrongValue),
        ({"test": '"tests/**"'}, WrongValue),
        ({"test": '"tests/test_a.py"'}, WrongValue),
        ({"test": '"tests/"'}, WrongValue),
        ({"test": '""'}, WrongValue),
        ({"owner": '" "'}, WrongValue),
        ({"created": '"soon"'}, WrongValue),
        ({"created": "1"}, WrongValue),
        ({"expiry": "2026-12-01"}, UnknownKey),
        ({"line": "1"}, UnknownKey),
    ],
)
def test_row_that_cannot_be_honoured_is_refused_with_its_line(tmp_path, change, error):
    with pytest.raises(error) as caught:
        read(tmp_path, ROW, {**ROW, "test": '"tests/test_b.py::test_y"', **change})
    assert caught.value.where.startswith("q.toml:10")
    assert caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("key", sorted(ROW))
def test_row_without_one_of_its_values_is_refused(tmp_path, key):
    with pytest.raises(WrongValue) as caught:
        read(tmp_path, {name: value for name, value in ROW.items() if name != key})
    assert caught.value.where == "q.toml:2"


def test_parameters_may_hold_any_sign(tmp_path):
    (row,) = read(tmp_path, {**ROW, "test": '"tests/test_a.py::test_x[a*b?]"'})
    assert row.covers("tests/test_a.py::test_x[a*b?]")


def test_same_test_twice_is_refused(tmp_path):
    with pytest.raises(WrongValue) as caught:
        read(tmp_path, ROW, ROW)
    assert caught.value.why == "see q.toml:2"


def test_last_day_of_a_renewed_term_is_taken(tmp_path):
    assert read(tmp_path, {**ROW, "renewed": "2026-12-01", "expires": "2026-12-31"})


def test_longer_term_than_the_configuration_allows_is_refused(tmp_path):
    with pytest.raises(WrongValue):
        read(tmp_path, ROW, max_days=29)


def project(folder, table=""):
    (folder / "pyproject.toml").write_text(f"[tool.truegreen]\n{table}")
    return settings.load(folder)


def test_project_without_a_file_has_no_row(tmp_path):
    assert quarantine.load(project(tmp_path)) == ()


def test_file_of_the_project_is_found_by_its_name_or_by_the_configuration(tmp_path):
    written(tmp_path, ROW)
    assert quarantine.load(project(tmp_path))[0].file == quarantine.FILE
    (tmp_path / quarantine.FILE).rename(tmp_path / "other.toml")
    assert quarantine.load(project(tmp_path)) == ()
    assert quarantine.load(project(tmp_path, 'quarantine = "other.toml"'))[0].file == "other.toml"
    with pytest.raises(WrongValue):
        quarantine.load(project(tmp_path, 'quarantine = "missing.toml"'))


def test_file_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / quarantine.FILE).write_text("[[quarantine]\n")
    with pytest.raises(ConfigSyntax) as caught:
        quarantine.load(project(tmp_path))
    assert caught.value.where == quarantine.FILE
