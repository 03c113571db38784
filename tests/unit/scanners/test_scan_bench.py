"""Identity of lines, batches of names, half-parsed files, and which formatter a project uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.scans import write_tree

from truegreen.runtime.process import Completed
from truegreen.stages.common.lint_tools import wants_black, wants_prettier
from truegreen.stages.common.scan_bench import batches, line_digests, relative, report_of
from truegreen.stages.common.scan_sources import half_parsed


def done(exit_code: int | None = 0, stdout: str = "", stderr: str = "", *, timed_out: bool = False) -> Completed:
    return Completed(
        argv=("tool",), exit_code=exit_code, duration_s=1.0, stdout=stdout, stderr=stderr, timed_out=timed_out
    )


def test_digest_of_a_line_ignores_its_number_and_its_spaces(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": "x = call( 1 )\n", "b.py": "\n\n   x  = call( 1 )\n"})
    found = line_digests(tmp_path, [("a.py", 1), (str(tmp_path / "b.py"), 3)])
    assert found["a.py:1"] == found["b.py:3"]


def test_digest_of_another_line_differs_and_of_a_missing_one_is_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": "one\ntwo\n"})
    found = line_digests(tmp_path, [("a.py", 1), ("a.py", 2), ("a.py", 9), ("none.py", 1), ("./a.py", 0)])
    assert set(found) == {"a.py:1", "a.py:2", "a.py:0"}
    assert found["a.py:1"] != found["a.py:2"]


@pytest.mark.parametrize(
    ("completed", "expected"),
    [
        (done(0, "[]"), ([], [])),
        (done(1, '{"a": 1}'), ({"a": 1}, [])),
        (done(2, "[]", "boom"), ([], ["t: ended with 2: boom"])),
        (done(2, "", "boom"), (None, ["t: ended with 2: boom"])),
        (done(None, "[]", timed_out=True), (None, ["t: killed after 1 s, the stage's time was over"])),
    ],
)
def test_report_of_says_what_is_wrong(completed: Completed, expected: tuple[object, list[str]]) -> None:
    assert report_of(completed, "t") == expected


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "not json"])
def test_report_of_truncated_output_is_none_with_a_reason(text: str) -> None:
    report, wrong = report_of(done(0, text), "t")
    assert report is None
    assert wrong[0].startswith("t: its output is no JSON")


def test_batches_keep_order_and_limit() -> None:
    names = [f"file{number}.py" for number in range(100)]
    lists = batches(names, limit_chars=100)
    assert [name for group in lists for name in group] == names
    assert all(sum(len(name) + 1 for name in group) <= 100 for group in lists)
    assert batches([]) == [[]]
    assert batches(["a" * 500], limit_chars=100) == [["a" * 500]]


def test_half_parsed_names_file_and_line_and_spares_valid_ones(tmp_path: Path) -> None:
    write_tree(tmp_path, {"good.py": "x = 1\n", "bad.py": "x = 1\ndef f(:\n", "nul.py": "x = '\0'\n"})
    found = half_parsed(tmp_path, ["good.py", "bad.py", "nul.py", "gone.py"])
    assert [text.partition(":")[0] for text in found] == ["bad.py", "nul.py", "gone.py"]
    assert "line 2" in found[0]


def test_half_parsed_survives_code_nested_too_deep(tmp_path: Path) -> None:
    write_tree(tmp_path, {"deep.py": "x = " + "(" * 5000 + ")" * 5000})
    assert len(half_parsed(tmp_path, ["deep.py"])) == 1


def test_relative_takes_the_root_off_and_leaves_others_alone() -> None:
    root = Path("/project")
    assert [relative(root, name) for name in ("/project/a.py", "./b.py", "/etc/c.py")] == ["a.py", "b.py", "/etc/c.py"]


HOOK = "repos:\n- repo: https://example.org/x\n  hooks:\n  - id: {}\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": "[tool.black]\n"}, True),
        ({".pre-commit-config.yaml": HOOK.format("black")}, True),
        ({".pre-commit-config.yaml": HOOK.format("ruff-format"), "pyproject.toml": "[tool.black]\n"}, False),
        ({"pyproject.toml": "[tool.black]\n[tool.ruff.format]\nquote-style = 'single'\n"}, False),
        ({"pyproject.toml": "[tool.black]\n", "ruff.toml": "[format]\n"}, False),
        ({"pyproject.toml": "[tool.ruff]\n"}, False),
        ({"pyproject.toml": "[tool\n", ".pre-commit-config.yaml": "repos: ["}, False),
        ({".pre-commit-config.yaml": "repos: 3"}, False),
        ({}, False),
    ],
)
def test_black_is_used_where_the_project_says_so(files: dict[str, str], *, expected: bool, tmp_path: Path) -> None:
    assert wants_black(write_tree(tmp_path, files)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"devDependencies": {"prettier": "3"}}', True),
        ('{"dependencies": {"prettier": "3"}}', True),
        ('{"devDependencies": {"left-pad": "1"}}', False),
        ('{"devDependencies": 3}', False),
        ("{", False),
        ("[]", False),
    ],
)
def test_prettier_is_used_where_package_json_names_it(text: str, *, expected: bool, tmp_path: Path) -> None:
    assert wants_prettier(write_tree(tmp_path, {"package.json": text})) is expected
