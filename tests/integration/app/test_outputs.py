"""`[tool.truegreen.report] outputs`: files for other programs beside the page."""

from __future__ import annotations

import typing

import pytest
from tests.support.known_reports import flaky

from truegreen import registry
from truegreen.app import gate
from truegreen.config import settings as config
from truegreen.config.schema import Output
from truegreen.errors import WrongValue

NAMES = typing.get_args(Output)


def project(folder, outputs):
    (folder / "pyproject.toml").write_text(f"[tool.truegreen.report]\noutputs = {outputs}\n", encoding="utf-8")
    return config.load(folder)


def test_every_reporter_with_a_file_can_be_configured():
    assert set(NAMES) == {
        name for name in registry.names("reporter") if hasattr(registry.load("reporter", name), "file")
    }
    files = [*gate.FORMS, *(registry.load("reporter", name).file for name in NAMES)]
    assert len(set(files)) == len(files)


def test_configured_outputs_are_written_beside_the_page(tmp_path):
    outputs = project(tmp_path, list(NAMES)).report.outputs
    written = gate.write_report(flaky(), tmp_path, outputs)
    assert set(written) == {*gate.FORMS, *(registry.load("reporter", name).file for name in NAMES)}
    for name in NAMES:
        path = written[registry.load("reporter", name).file]
        assert path.read_bytes() == registry.load("reporter", name)().render(flaky()).body


def test_nothing_more_is_written_unless_asked_for(tmp_path):
    assert set(gate.write_report(flaky(), tmp_path)) == set(gate.FORMS)


def test_unknown_output_is_refused_with_what_is_known(tmp_path):
    with pytest.raises(WrongValue) as caught:
        project(tmp_path, ["junnit"])
    assert "junit" in caught.value.fix
    assert "pyproject.toml:2" in caught.value.where
