"""The security scan with the real bandit, semgrep and pip-audit: each way one of them would be green by blindness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.osv_server import OsvServer
from tests.support.scans import Ran, run_stage, write_tree

from truegreen.runtime.toolchain import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD = "import subprocess\n\n\ndef listing(name):\n    subprocess.call('ls ' + name, shell=True)\n"
GOOD = "def double(value):\n    return value * 2\n"
HALF = BAD + "\ndef broken(:\n"


@pytest.fixture(scope="module")
def osv() -> Iterator[OsvServer]:
    with OsvServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _healthy(osv: OsvServer) -> Iterator[None]:
    yield
    osv.fault = 0


def code(root: Path, tool: str, **options: Any) -> Ran:
    return run_stage("security-scan", root, tools=[tool], **options)


def audit(root: Path, lock: str, url: str) -> Ran:
    return run_stage("security-scan", write_tree(root, {"requirements.txt": lock}), tools=["pip-audit"], osv_url=url)


@pytest.mark.parametrize(("tool", "rule"), [("bandit", "B602"), ("semgrep", "shell-true")])
def test_fault_is_found_and_the_planted_one_is_not_reported(tool: str, rule: str, tmp_path: Path) -> None:
    ran = code(write_tree(tmp_path, {"src/bad.py": BAD, "src/good.py": GOOD}), tool)
    scan = ran.scans[tool]
    assert rule in ran.rules(tool)
    assert {finding.path for finding in scan.findings} == {"src/bad.py"}
    assert (scan.scanned, scan.unread, scan.version) == (2, (), TOOLS[tool].version)
    found = next(finding for finding in scan.findings if finding.rule == rule)
    assert (found.line, found.severity) == (5, "high")
    assert not found.fingerprint.endswith(":-")


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_clean_code_is_clean(tool: str, tmp_path: Path) -> None:
    scan = code(write_tree(tmp_path, {"src/good.py": GOOD}), tool).scans[tool]
    assert (scan.findings, scan.unread, scan.scanned) == ((), (), 1)


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_file_that_does_not_parse_is_unread(tool: str, tmp_path: Path) -> None:
    scan = code(write_tree(tmp_path, {"src/half.py": HALF, "src/good.py": GOOD}), tool).scans[tool]
    assert len(scan.unread) == 1
    assert scan.unread[0].startswith("src/half.py: ")


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_path_that_is_not_there_is_unread(tool: str, tmp_path: Path) -> None:
    scan = code(write_tree(tmp_path, {"src/good.py": GOOD}), tool, paths=["nowhere"]).scans[tool]
    assert (scan.scanned, scan.unread) == (0, ("nowhere: no such file or folder",))


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_project_without_code_scans_zero_files(tool: str, tmp_path: Path) -> None:
    scan = code(write_tree(tmp_path, {"readme.md": "hello"}), tool).scans[tool]
    assert (scan.scanned, scan.findings) == (0, ())


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_tests_are_left_out_unless_asked_for(tool: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {"src/good.py": GOOD, "tests/test_bad.py": BAD, "conftest.py": BAD})
    assert code(tmp_path, tool).scans[tool].scanned == 1
    assert code(tmp_path, tool, exclude=[]).scans[tool].scanned == 3


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_names_that_look_like_options_are_files(tool: str, tmp_path: Path) -> None:
    ran = code(write_tree(tmp_path, {"--help.py": BAD, "a b;c.py": BAD}), tool)
    assert {finding.path for finding in ran.scans[tool].findings} == {"--help.py", "a b;c.py"}


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_files_no_ignore_file_can_hide(tool: str, tmp_path: Path) -> None:
    write_tree(
        tmp_path, {"src/bad.py": BAD, ".semgrepignore": "*\n", ".bandit": "[bandit]\nskips: B602\nexclude: src\n"}
    )
    assert code(tmp_path, tool).rules(tool) & {"B602", "shell-true"}


@pytest.mark.parametrize(
    ("tool", "answer"),
    [
        ("bandit", '{"errors": [], "results": [], "metrics": {"_totals": {}, "./src/good.py": {}}}'),
        ("semgrep", '{"results": [], "errors": [], "paths": {"scanned": ["src/good.py"]}, "skipped_rules": []}'),
    ],
)
def test_scanner_that_finds_nothing_at_all_fails_its_canary(tool: str, answer: str, tmp_path: Path) -> None:
    program = tmp_path / "bin" / tool
    blind = f"#!/bin/sh\nif [ \"$1\" = --version ]; then echo {TOOLS[tool].version}; else echo '{answer}'; fi\n"
    write_tree(tmp_path, {f"bin/{tool}": blind})
    program.chmod(0o755)
    root = write_tree(tmp_path / "project", {"src/good.py": GOOD})
    env = {"PATH": f"{program.parent}:/usr/bin:/bin", "TRUEGREEN_CACHE": str(tmp_path / "cache")}
    scan = code(root, tool, env=env).scans[tool]
    assert scan.scanned == 1
    assert f"canary: {tool} did not find the fault planted for it" in scan.unread


@pytest.mark.parametrize("tool", ["bandit", "semgrep"])
def test_scanner_that_dies_without_a_word_is_unread(tool: str, tmp_path: Path) -> None:
    program = tmp_path / "bin" / tool
    write_tree(
        tmp_path,
        {f"bin/{tool}": f'#!/bin/sh\n[ "$1" = --version ] && echo {TOOLS[tool].version} && exit\nkill -9 $$\n'},
    )
    program.chmod(0o755)
    root = write_tree(tmp_path / "project", {"src/good.py": GOOD})
    env = {"PATH": f"{program.parent}:/usr/bin:/bin", "TRUEGREEN_CACHE": str(tmp_path / "cache")}
    unread = code(root, tool, env=env).scans[tool].unread
    assert any("-9" in text for text in unread)


def test_scanner_over_its_time_is_killed_and_unread(tmp_path: Path) -> None:
    scan = code(write_tree(tmp_path, {"src/good.py": GOOD}), "semgrep", timeout_s=0.1).scans["semgrep"]
    assert any("killed after" in text for text in scan.unread)


def test_rules_of_the_project_are_run_beside_ours(tmp_path: Path) -> None:
    rule = "rules:\n- {id: no-print, languages: [python], severity: INFO, message: m, pattern: print(...)}\n"
    write_tree(tmp_path, {"src/bad.py": BAD + "    print(name)\n", "ci/mine.yaml": rule})
    ran = code(tmp_path, "semgrep", rules=["ci/mine.yaml"])
    assert {"no-print", "shell-true"} <= ran.rules("semgrep")


@pytest.mark.parametrize(
    "rule", [None, "rules: [", "rules:\n- {id: x, languages: [python], severity: INFO, message: m, pattern: 'def ('}\n"]
)
def test_rule_file_that_is_missing_or_broken_is_unread(rule: str | None, tmp_path: Path) -> None:
    write_tree(tmp_path, {"src/good.py": GOOD, **({"ci/mine.yaml": rule} if rule else {})})
    assert code(tmp_path, "semgrep", rules=["ci/mine.yaml"]).scans["semgrep"].unread


def test_settings_of_bandit_in_pyproject_are_used_and_noted(tmp_path: Path) -> None:
    settings = '[tool.bandit]\nskips = ["B404"]\nexclude_dirs = ["generated"]\n'
    write_tree(tmp_path, {"pyproject.toml": settings, "src/bad.py": BAD, "generated/bad.py": BAD})
    ran = code(tmp_path, "bandit")
    assert ran.rules("bandit") == {"B602"}
    assert ran.scans["bandit"].scanned == 1
    assert "bandit: 1 rules left out by skips of [tool.bandit] in pyproject.toml: B404" in ran.outcome.notes
    assert any("1 files left out" in note for note in ran.outcome.notes)
    assert ran.scans["bandit"].unread == ()


@pytest.mark.parametrize(
    ("table", "rules", "note"),
    [
        ('skips = ["B602", "B404"]', set(), "2 rules left out by skips"),
        ('skips = ["B001"]', {"B602"}, "1 rules left out by skips"),
        ('tests = ["B404"]', {"B404"}, "only 1 rules run"),
        ('exclude_dirs = ["tmp", "planted"]', {"B602", "B404"}, ""),
    ],
)
def test_rules_that_settings_of_bandit_leave_out_are_noted_and_the_others_proved(
    table: str, rules: set[str], note: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path, {"pyproject.toml": f"[tool.bandit]\n{table}\n", "src/bad.py": BAD})
    ran = code(root, "bandit")
    assert ran.rules("bandit") == rules
    assert any(note in text for text in (*ran.outcome.notes, ""))
    assert ran.scans["bandit"].unread == ()


def test_settings_of_bandit_that_switch_a_rule_off_by_the_back_door_fail_the_canary(tmp_path: Path) -> None:
    settings = "[tool.bandit.shell_injection]\nsubprocess = []\nshell = []\nno_shell = []\n"
    root = write_tree(tmp_path, {"pyproject.toml": settings, "src/bad.py": BAD})
    scan = code(root, "bandit").scans["bandit"]
    assert "canary: bandit did not find what was planted for B602" in scan.unread


@pytest.mark.parametrize(
    ("tool", "comment"),
    [
        ("bandit", "# nosec"),
        ("bandit", "# nosec B602, B404"),
        ("semgrep", "# nosemgrep"),
        ("semgrep", "# nosemgrep: shell-true"),
        ("semgrep", "# nosem"),
    ],
)
def test_silenced_lines_are_noted_with_their_places(tool: str, comment: str, tmp_path: Path) -> None:
    silenced = BAD.replace("shell=True)", f"shell=True)  {comment}")
    ran = code(write_tree(tmp_path, {"bad.py": silenced, "tests/test_bad.py": silenced}), tool)
    assert not ran.rules(tool) & {"B602", "shell-true"}
    mark = "# nosec" if tool == "bandit" else "# nosemgrep"
    assert f"{tool}: 1 lines silenced by {mark}: bad.py:5" in ran.outcome.notes


def test_code_of_the_project_never_runs_inside_a_scanner(tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    names = ("sitecustomize.py", "json.py", "bandit.py", "semgrep.py", "yaml.py", "pip_audit.py")
    root = write_tree(tmp_path / "project", dict.fromkeys(names, trap))
    run_stage("security-scan", root, tools=["bandit", "semgrep"], env={"PYTHONPATH": str(root)})
    assert not (tmp_path / "ran").exists()


def test_vulnerable_pin_is_found_with_place_and_fix(osv: OsvServer, tmp_path: Path) -> None:
    ran = audit(tmp_path, "idna==3.7\nflask==0.5\nrequests==2.19.1 ; sys_platform == 'win32'\n", osv.url)
    scan = ran.scans["pip-audit"]
    assert (scan.scanned, scan.unit, scan.unread) == (3, "packages", ())
    assert {finding.line for finding in scan.findings} == {2, 3}
    assert len(scan.findings) == 5
    assert all(finding.path == "requirements.txt" and finding.fix for finding in scan.findings)
    assert all("jinja2" not in finding.message for finding in scan.findings)


def test_two_versions_of_one_package_are_both_looked_up(osv: OsvServer, tmp_path: Path) -> None:
    scan = audit(tmp_path, "jinja2==2.4.1\nJinja2==2.7.2 ; python_version < '3'\n", osv.url).scans["pip-audit"]
    assert scan.scanned == 2
    assert {finding.line for finding in scan.findings} == {1, 2}


def test_clean_pins_are_clean(osv: OsvServer, tmp_path: Path) -> None:
    scan = audit(tmp_path, "idna==3.7\n", osv.url).scans["pip-audit"]
    assert (scan.findings, scan.unread, scan.scanned) == ((), (), 1)


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_service_that_knows_nothing_or_fails_is_blind(status: int, osv: OsvServer, tmp_path: Path) -> None:
    osv.fault = status
    scan = audit(tmp_path, "jinja2==2.4.1\n", osv.url).scans["pip-audit"]
    assert (scan.scanned, scan.findings) == (0, ())
    assert any(text.startswith("canary: ") for text in scan.unread)


def test_service_out_of_reach_is_blind(tmp_path: Path) -> None:
    with OsvServer() as gone:
        url = gone.url
    scan = audit(tmp_path, "jinja2==2.4.1\n", url).scans["pip-audit"]
    assert scan.scanned == 0
    assert any(text.startswith("canary: ") for text in scan.unread)


def test_default_service_finds_the_vulnerability_or_is_blind(tmp_path: Path) -> None:
    # Behind a mirror without advisories pip-audit itself says "No known vulnerabilities found" and ends with 0.
    scan = audit(tmp_path, "jinja2==2.4.1\n", "").scans["pip-audit"]
    assert scan.findings or any(text.startswith("canary: ") for text in scan.unread)


def test_git_dependency_is_unread(osv: OsvServer, tmp_path: Path) -> None:
    lock = '[[package]]\nname = "fork"\nversion = "1"\nsource = { git = "https://example.org/x" }\n'
    lock += '[[package]]\nname = "idna"\nversion = "3.7"\nsource = { registry = "x" }\n'
    write_tree(tmp_path, {"uv.lock": lock})
    scan = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url).scans["pip-audit"]
    assert scan.scanned == 1
    assert scan.unread[0].startswith("uv.lock: fork comes from git")


def test_project_without_a_lock_is_resolved_and_a_note_says_so(osv: OsvServer, tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": "[project]\nname='p'\nversion='1'\ndependencies=['idna==3.6']\n"})
    ran = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url)
    assert ran.rules("pip-audit") == {"PYSEC-2024-60"}
    assert any("is no lock" in note for note in ran.outcome.notes)


def test_project_that_cannot_be_resolved_is_blind(osv: OsvServer, tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": "[project]\nname='p'\nversion='1'\ndependencies=['idna==3.6,==3.7']\n"})
    scan = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url).scans["pip-audit"]
    assert "uv could not resolve it" in scan.unread[0]


def test_project_that_depends_on_nothing_needs_no_audit(osv: OsvServer, tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": "[project]\nname='p'\nversion='1'\ndependencies=[]\n"})
    ran = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url)
    assert (ran.scans, ran.outcome.expects) == ({}, ())
    assert any("did not run" in note for note in ran.outcome.notes)


def test_folder_without_lock_and_project_is_blind(osv: OsvServer, tmp_path: Path) -> None:
    scan = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url).scans["pip-audit"]
    assert scan.unread == ("dependencies: there is neither a lock file nor a pyproject.toml",)


def test_empty_requirements_file_does_not_hide_what_the_project_depends_on(osv: OsvServer, tmp_path: Path) -> None:
    project = "[project]\nname='p'\nversion='1'\ndependencies=['idna==3.6']\n"
    write_tree(tmp_path, {"pyproject.toml": project, "requirements-dev.txt": "# nothing\n"})
    ran = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url)
    assert ran.rules("pip-audit") == {"PYSEC-2024-60"}


PROJECT = "[project]\nname='p'\nversion='1'\ndependencies=[]\n"
EMPTY_LOCK = "[[package]]\nname = 'p'\nversion = '1'\nsource = { editable = '.' }\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements/base.txt", "idna==3.6\n"),
        ("dev-requirements.txt", "idna==3.6\n"),
        ("requirements.txt", "idna==3.6\n"),
        ("requirements.txt", "idna<3.7\n"),
        ("pylock.toml", "[[packages]]\nname = 'idna'\nversion = '3.6'\n"),
    ],
)
def test_vulnerable_file_that_is_installed_is_found_beside_an_empty_lock(
    name: str, text: str, osv: OsvServer, tmp_path: Path
) -> None:
    write_tree(tmp_path, {"pyproject.toml": PROJECT, "uv.lock": EMPTY_LOCK, name: text})
    ran = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url)
    assert ran.rules("pip-audit") == {"PYSEC-2024-60"}
    assert ran.scans["pip-audit"].findings[0].path == name


def test_stale_lock_does_not_hide_what_the_project_depends_on(osv: OsvServer, tmp_path: Path) -> None:
    project = PROJECT.replace("[]", "['idna==3.6']")
    write_tree(tmp_path, {"pyproject.toml": project, "uv.lock": EMPTY_LOCK})
    ran = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url)
    assert ran.rules("pip-audit") == {"PYSEC-2024-60"}


def test_group_that_is_installed_is_resolved_with_the_project(osv: OsvServer, tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": f"{PROJECT}[dependency-groups]\ndev = ['idna==3.6']\n"})
    ran = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url)
    assert ran.rules("pip-audit") == {"PYSEC-2024-60"}


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"pyproject.toml": PROJECT, "Pipfile.lock": '{"default": {"idna": {"version": "==3.6"}}}'}, "Pipfile.lock"),
        ({"requirements.txt": "# nothing\n"}, "requirements.txt"),
    ],
)
def test_dependency_files_of_which_nothing_was_audited_are_unread(
    files: dict[str, str], name: str, osv: OsvServer, tmp_path: Path
) -> None:
    write_tree(tmp_path, files)
    scan = run_stage("security-scan", tmp_path, tools=["pip-audit"], osv_url=osv.url).scans["pip-audit"]
    assert scan.scanned == 0
    assert any(text.startswith(f"{name}: no package") for text in scan.unread)


def test_unpinned_requirements_are_resolved(osv: OsvServer, tmp_path: Path) -> None:
    ran = audit(tmp_path, "idna<3.7\n", osv.url)
    assert ran.rules("pip-audit") == {"PYSEC-2024-60"}
    assert any("requirements.txt is no lock" in note for note in ran.outcome.notes)
