"""The user's project installed the way it says, with real installers, into an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest
from tests.support.pytest_projects import Project, shared_cache
from tests.support.stage_contexts import stage_context
from uv import find_uv_bin

from truegreen.config.schema import ProjectOptions
from truegreen.errors import InstallFailed, ProjectTool, ToolFailed
from truegreen.stages.common import project as projects
from truegreen.stages.common import pytest_run
from truegreen.stages.common.options import PytestOptions

pytestmark = pytest.mark.slow
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHER = "3.12" if THIS != "3.12" else "3.13"
PROJECT = """
[project]
name = "sample"
version = "1"
requires-python = ">=3.11"
dependencies = ["iniconfig"]
[project.optional-dependencies]
more = ["six"]
[dependency-groups]
dev = ["pluggy"]
odd = ["pathspec"]
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
py-modules = ["sample"]
"""
PACKAGES = ("iniconfig", "six", "pluggy", "pathspec", "sample")


class Sample:
    """A project to install."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.root = folder / "project"
        self.cache = folder / "cache"
        self.root.mkdir()
        (self.root / "sample.py").touch()
        self.shown = (folder / "shown").open("w+")
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        (self.root / {"pyproject": "pyproject.toml"}.get(name, name)).write_text(dedent(text))

    def context(self, env=None, **options):
        found = stage_context(
            self.root,
            PytestOptions(),
            stage="unit",
            env={"TRUEGREEN_CACHE": str(self.cache), **(env or {})},
            shown=self.shown,
        )
        return msgspec.structs.replace(
            found, project=ProjectOptions(**options), env=projects.user_environment(found.env, {})
        )

    def install(self, env=None, **options):
        return projects.ensure(self.context(env, **options))

    def says(self) -> str:
        self.shown.seek(0)
        return self.shown.read()

    def uv(self, *words: str) -> None:
        subprocess.run([find_uv_bin(), *words, "--quiet"], cwd=self.root, check=True, capture_output=True)


def importable(python):
    code = f"import importlib.util as u; print(*(n for n in {PACKAGES!r} if u.find_spec(n)))"
    done = subprocess.run([python.python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture
def sample(tmp_path):
    return Sample(tmp_path, pyproject=PROJECT)


# --- each way ----------------------------------------------------------------------------------------------------


def test_project_with_a_uv_lock_is_synchronised_with_groups_and_extras(sample):
    sample.uv("lock")
    python = sample.install()
    assert python.how == "uv.lock"
    assert importable(python) == {"iniconfig", "pluggy", "sample"}
    assert importable(sample.install(groups=["odd", "absent"], extras=["more"])) == {
        "iniconfig", "pathspec", "six", "sample",
    }  # fmt: skip
    assert python.version.startswith(THIS) or python.version
    assert python.notes == (f"installed by uv.lock, Python {python.version}",)
    assert python.env["VIRTUAL_ENV"] == str(python.python.parents[1])
    assert python.env["PATH"].startswith(str(python.python.parent))


def test_python_of_a_matrix_is_stronger_than_the_version_file(sample):
    sample.uv("lock")
    sample.write(".python-version", f"{OTHER}\n")
    assert sample.install(python=THIS).version.startswith(f"{THIS}.")


def test_pythons_of_a_matrix_have_environments_of_their_own(sample):
    sample.write("pyproject", "[tool.truegreen]\n")
    sample.write("requirements.txt", "")
    one, two = sample.install(python=THIS), sample.install(python=sys.executable)
    assert one.python.parents[1] != two.python.parents[1]
    assert one.version == two.version


def test_project_with_requirements_gets_all_of_them_and_itself(sample):
    sample.write("requirements.txt", "pluggy\n")
    sample.write("requirements-dev.txt", "-r requirements.txt\npathspec\n")
    (sample.root / "requirements").mkdir()
    (sample.root / "requirements" / "more.txt").write_text("six\n")
    python = sample.install()
    assert python.how == "requirements-dev.txt, requirements.txt, requirements/more.txt"
    assert importable(python) == {"pluggy", "pathspec", "six", "sample"}  # its own requirements are the file's


def test_project_with_a_pylock_gets_it_and_itself(sample):
    sample.uv("lock")
    sample.uv("export", "--format", "pylock.toml", "--no-emit-project", "-o", "pylock.toml")
    (sample.root / "uv.lock").unlink()
    python = sample.install()
    assert python.how == "pylock.toml"
    assert {"iniconfig", "pluggy", "sample"} <= importable(python)


def test_project_with_a_setup_script_only_is_installed_beside_its_requirements(tmp_path):
    sample = Sample(tmp_path)
    sample.write("setup.py", "from setuptools import setup\nsetup(name='sample', py_modules=['sample'])\n")
    sample.write("requirements.txt", "pluggy\n")
    assert importable(sample.install()) == {"pluggy", "sample"}


def test_project_without_a_lock_is_resolved_with_groups_and_extras(sample):
    python = sample.install(extras=["more"])
    assert python.how == "pyproject.toml, without a lock"
    assert importable(python) == {"iniconfig", "six", "pluggy", "sample"}
    assert importable(sample.install(groups=["odd"])) == {"iniconfig", "pathspec", "sample"}


@pytest.fixture(scope="module")
def poetry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("poetry")
    subprocess.run([find_uv_bin(), "venv", "--quiet", str(folder)], check=True)
    install = [find_uv_bin(), "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "poetry>=2"]
    subprocess.run(install, check=True)
    return folder / "bin"


def test_project_with_a_poetry_lock_is_installed_by_poetry_with_its_extras(sample, poetry):
    document = (
        PROJECT.replace('["iniconfig"]', "[]")
        .replace('["six"]', "[]")
        .replace("setuptools.build_meta", "poetry.core.masonry.api")
    )
    sample.write(
        "pyproject",
        document.replace('["setuptools"]', '["poetry-core"]').replace('["pluggy"]', "[]").replace('["pathspec"]', "[]"),
    )
    subprocess.run([poetry / "poetry", "lock", "--no-interaction"], cwd=sample.root, check=True, capture_output=True)
    path = f"{poetry}:{sample.context().env['PATH']}"
    python = sample.install({"PATH": path}, extras=["more"])
    assert python.how == "poetry.lock"
    assert importable(python) == {"sample"}


def test_project_with_a_poetry_lock_and_no_poetry_says_what_to_install(sample):
    sample.write("poetry.lock", "")
    with pytest.raises(InstallFailed, match="poetry") as caught:
        sample.install({"PATH": "/usr/bin:/bin"})
    assert "poetry" in caught.value.fix


def test_project_with_commands_of_its_own_runs_them_in_its_environment(sample):
    write = "python -c \"import sys, pathlib; pathlib.Path(sys.prefix, 'made').write_text('x y')\""
    python = sample.install(install=[write, "python -c pass"])
    assert python.how == "its own install command"
    assert (python.python.parents[1] / "made").read_text() == "x y"
    assert importable(python) == set()


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "remedy"),
    [
        ({"requirements.txt": "iniconfig==1.1.1\niniconfig==2.0.0\n"}, "contradict"),
        ({"requirements.txt": "nonsense ===== 1\n"}, "run the command above"),
        ({"pyproject": PROJECT, "setup.py": "import no_such_module\n"}, "build-system.requires"),
    ],
    ids=["contradiction", "syntax", "build"],
)
def test_installation_that_fails_says_why_and_what_to_do(tmp_path, files, remedy):
    sample = Sample(tmp_path, **{"pyproject": "[tool.truegreen]\n", **files})
    with pytest.raises(InstallFailed) as caught:
        sample.install()
    assert caught.value.why
    assert remedy in caught.value.fix, caught.value.why
    assert str(sample.root) in caught.value.where
    assert (sample.root / ".truegreen" / "unit" / "install.log").read_text()


def test_installation_by_a_command_that_fails_is_tried_again_the_next_time(sample):
    command = "python -c \"import pathlib, sys; sys.exit(0 if pathlib.Path('ready').exists() else 'not ready')\""
    with pytest.raises(InstallFailed, match="could not be installed") as caught:
        sample.install(install=[command])
    assert "not ready" in caught.value.why
    (sample.root / "ready").touch()
    assert sample.install(install=[command]).version


def test_installation_by_a_program_that_is_missing_names_it(sample):
    with pytest.raises(InstallFailed, match="no-such-program"):
        sample.install(install=["no-such-program --all"])


def test_installation_into_a_python_that_is_missing_fails(sample):
    with pytest.raises(InstallFailed):
        sample.install(python="2.1")


def test_installation_gets_no_secret_and_no_setting_of_ours(sample):
    command = "python -c \"import os, json; json.dump(dict(os.environ), open('seen.json', 'w'))\""
    sample.install({"GITHUB_TOKEN": "t", "UV_INDEX": "http://127.0.0.1:1", "PIP_TARGET": "/x"}, install=[command])
    seen = msgspec.json.decode((sample.root / "seen.json").read_bytes())
    assert not {"GITHUB_TOKEN", "UV_INDEX", "PIP_TARGET", "TRUEGREEN_CACHE"} & set(seen)


SECRETS = [
    "GH_PAT",
    "MY_PAT",
    "DB_PASS",
    "PYPI_PWD",
    "SSH_KEY",
    "SIGNING_KEY",
    "NPM_AUTH",
    "BASIC_AUTH",
    "CI_JWT",
    "SENTRY_DSN",
    "PAT",
    "KEY",
    "API_KEYS",
    "AUTH_2",
    "KEY1",
    "db_pass",
    "SSH_AUTH_SOCK",
    "GIT_ASKPASS",
    "PGPASSFILE",
    "AWS_ACCESS_KEY_ID",
    "AZURE_STORAGE_CONNECTION_STRING",
    "DB_CREDS",
]
HARMLESS = [
    "PATH",
    "PWD",
    "OLDPWD",
    "KEYBOARD",
    "AUTHOR",
    "GIT_AUTHOR_NAME",
    "XAUTHORITY",
    "PATTERN",
    "COMPASS",
    "BYPASS_CACHE",
    "MONKEY",
    "PASSENGER",
    "DSNAME",
]


@pytest.mark.parametrize("name", SECRETS)
def test_user_environment_name_of_a_secret_is_left_out_unless_it_is_added(name):
    assert projects.user_environment({name: "x"}, {}) == {}
    assert projects.user_environment({name: "x"}, {name: "ours"}) == {name: "ours"}


@pytest.mark.parametrize("name", HARMLESS)
def test_user_environment_harmless_name_is_kept(name):
    assert projects.user_environment({name: "x"}, {}) == {name: "x"}


@pytest.mark.parametrize(
    "value",
    [
        "postgres://u:pw@host/db",
        "postgresql+asyncpg://u:p%40w@host:5432/db?ssl=1",
        "redis://:pw@host",
        "amqp://u:p@ss@host",
        "https://t0ken@github.com/o/r",
        "a postgres://u:pw@host/db b",
    ],
)
def test_user_environment_address_with_a_password_is_left_out_unless_it_is_added(value):
    assert projects.user_environment({"DATABASE_URL": value}, {}) == {}
    assert projects.user_environment({"DATABASE_URL": value}, {"DATABASE_URL": value}) == {"DATABASE_URL": value}


@pytest.mark.parametrize(
    "value",
    ["postgres://host/db", "ssh://git@host/x", "http://host:80/a@b", "mail@host", "redis://host:1", "a:b@c", ""],
)
def test_user_environment_address_without_a_password_is_kept(value):
    assert projects.user_environment({"DATABASE_URL": value}, {}) == {"DATABASE_URL": value}


# --- once, and again when something changed ----------------------------------------------------------------------

COUNT = "python -c \"open('count', 'a').write('x')\""


def installed(sample):
    return len((sample.root / "count").read_text())


def test_environment_is_made_once_and_anew_when_an_input_changes(sample):
    sample.install(install=[COUNT])
    sample.install(install=[COUNT])
    assert installed(sample) == 1
    assert sample.says().count("installing the project by its own install command") == 1
    sample.write("requirements.txt", "# changed\n")
    sample.install(install=[COUNT])
    assert installed(sample) == 2


def test_environment_is_made_once_by_two_runs_at_once(sample):
    contexts = [sample.context(install=[COUNT]) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(projects.ensure, contexts)
    assert one.python == two.python
    assert installed(sample) == 1


def test_environment_that_is_half_made_is_made_anew(sample):
    python = sample.install(install=[COUNT])
    (python.python.parents[1] / ".complete").unlink()
    assert sample.install(install=[COUNT]).python == python.python
    assert installed(sample) == 2


def test_environment_whose_interpreter_is_gone_is_made_anew(sample):
    python = sample.install(install=[COUNT])
    python.python.unlink()
    python.python.symlink_to("/no/such/python")
    assert sample.install(install=[COUNT]).version == python.version
    assert installed(sample) == 2


# --- pytest in it ------------------------------------------------------------------------------------------------


def test_environment_without_pytest_says_where_to_add_it(sample):
    with pytest.raises(ProjectTool, match="no pytest") as caught:
        pytest_run.run(sample.context(install=["python -c pass"]), marker="")
    assert "dev" in caught.value.fix


def test_environment_whose_interpreter_does_not_run_is_named(sample):
    python = sample.install(install=["python -c pass"])
    python.python.unlink()
    python.python.write_text("#!/bin/sh\necho broken here >&2\nexit 3\n")
    python.python.chmod(0o755)
    with pytest.raises(ToolFailed, match="does not run") as caught:
        pytest_run.run(sample.context(install=["python -c pass"]), marker="")
    assert "broken here" in caught.value.why


def test_environment_with_pytest_alone_runs_serially_and_is_blind_for_coverage(tmp_path):
    project = Project(tmp_path / "project", shared_cache(tmp_path / "cache"))
    project.write("requirements.txt", "pytest\n")
    judged = project.run("def test_a(): pass\n", workers="auto")
    assert judged.says("tests-ran") == "pass"
    assert judged.says("coverage") == "blind"
    assert any("pytest-xdist is not installed" in note for note in judged.record.notes)
    assert any("pytest-cov is not installed" in note for note in judged.record.notes)
    assert project.run("def test_a(): assert 0\n", workers="0").says("no-failures") == "fail"


def test_install_where_bytecode_is_not_written_compiles_once(sample):
    python = sample.install(env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert list(python.python.parents[1].glob("lib/*/site-packages/iniconfig/__pycache__/*.pyc"))
