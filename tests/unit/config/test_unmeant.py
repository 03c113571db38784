"""Options that would be taken and do nothing, or cannot be meant: each is refused with file, key and a way out."""

from __future__ import annotations

import pytest

from truegreen.config import settings as config
from truegreen.errors import WrongValue

HEAD = '[project]\nname = "x"\n'


def loaded(folder, table, line):
    (folder / "pyproject.toml").write_text(f"{HEAD}[tool.truegreen.{table}]\n\n{line}\n", encoding="utf-8")
    return config.load(folder)


@pytest.mark.parametrize(
    ("table", "line", "key"),
    [
        ("services.redis", "port = 65536", "port"),
        ("services.redis", "port = -1", "port"),
        ("services.redis", "timeout-s = -5", "timeout-s"),
        ("services.redis", "timeout-s = nan", "timeout-s"),
        ("services.redis", 'export = {"A B" = "url"}', "export"),
        ("services.redis", 'export = {"1A" = "url"}', "export"),
        ("services.redis", 'export = {"" = "url"}', "export"),
        ("services.redis", 'provider = "embedded"\nenv = {TZ = "UTC"}', "env"),
        ("processes.web", 'command = ["x"]\nport = 65536', "port"),
        ("processes.web", 'command = ["x"]\ntimeout-s = 0', "timeout-s"),
        ("processes.web", 'command = ["x"]\nexport = {"A-B" = "1"}', "export"),
        ("unit", "timeout-s = nan", "timeout-s"),
        ("unit", "timeout-s = inf", "timeout-s"),
        ("unit", "timeout-s = 0", "timeout-s"),
        ("unit", "workers = -1", "workers"),
        ("unit", 'workers = "many"', "workers"),
        ("unit", "reruns = -1", "reruns"),
        ("unit", "new-tests-s = nan", "new-tests-s"),
        ("wiring", "workers = -1", "workers"),
        ("wiring", "factory-timeout-s = nan", "factory-timeout-s"),
        ("e2e", "ready-timeout-s = -1", "ready-timeout-s"),
        ("persistence", "workers = -1", "workers"),
        ("persistence", "reruns = 1", "reruns"),
        ("persistence", 'folders = ["../.."]', "folders"),
        ("persistence", 'folders = ["a/../../b"]', "folders"),
        ("persistence", 'folders = ["/tmp"]', "folders"),
        ("persistence", 'folders = ["."]', "folders"),
        ("persistence", 'databases = ["redis:1"]', "databases"),
    ],
)
def test_load_option_that_cannot_be_meant_names_key_line_and_way_out(tmp_path, table, line, key):
    with pytest.raises(WrongValue) as caught:
        loaded(tmp_path, table, line)
    error = caught.value
    assert error.code == "TG104"
    assert error.what.startswith(f"{table}.{key}: ")
    assert len(error.what) > len(f"{table}.{key}: ")
    assert error.where == f"repository, pyproject.toml:{5 + line.count(chr(10))}"
    assert error.fix


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("services.redis", "port = 65535"),
        ("services.redis", "port = 0"),
        ("services.redis", 'export = {_a1 = "url"}'),
        ("services.redis", 'env = {TZ = "UTC"}'),
        ("services.move", 'one-shot = true\nprovider = "embedded"\ncommand = ["x"]\nenv = {TZ = "UTC"}'),
        ("unit", 'workers = "4"'),
        ("unit", 'workers = "logical"'),
        ("unit", "reruns = 0"),
        ("persistence", "reruns = 0"),
        ("persistence", 'folders = ["data/out", "./x"]'),
        ("persistence", 'databases = ["redis:1", "app_*"]\nservices = ["redis@7"]'),
    ],
)
def test_load_option_that_can_be_meant_is_taken(tmp_path, table, line):
    assert loaded(tmp_path, table, line)


@pytest.mark.parametrize("table", ["services", "processes"])
@pytest.mark.parametrize("name", ["we ird", "../n", ".hidden", "a/b", "", "é", "a@1", "x" * 64])
def test_load_name_that_makes_no_file_is_refused(tmp_path, table, name):
    with pytest.raises(WrongValue, match="no name for one of") as caught:
        loaded(tmp_path, f'{table}."{name}"', 'command = ["x"]')
    assert caught.value.where == "repository, pyproject.toml:3"


@pytest.mark.parametrize("name", ["db", "db_2", "my-db", "v1.2", "9lives", "x" * 63])
def test_load_usual_name_of_a_service_is_taken(tmp_path, name):
    assert name in loaded(tmp_path, f'services."{name}"', 'kind = "redis"').project.services
