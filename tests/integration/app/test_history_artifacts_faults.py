"""The history out of artifacts: what is hostile, damaged, gone or forbidden is told, and costs no other run."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support.foreign_runs import zipped
from tests.support.github_api import Fault
from tests.support.history_artifacts import HISTORY, ON, REPORT, Ci

from truegreen.app import artifacts, collecting
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from tests.support.app_desk import Desk
    from tests.support.github_api import GithubApi

UNREACHABLE = Fault(status=502, headers={"Retry-After": "3600"}, message="Server Error")


def test_fork_is_never_taken_and_is_judged_with_the_history(ci: Ci, desk: Desk) -> None:
    ci.whole(1)
    desk.configure(ON + "pull-requests = true\n")
    desk.commit()
    ci.begin_pull_request(2, "eve/r")
    ci.collect()
    forged = SqliteStore(ci.folder / "forged" / "history.sqlite")
    forged.merge([])
    report = ci.judge()
    assert report["history"].startswith("compared with 1 earlier run ")
    assert report["history"].endswith("; this run will not be kept: the pull request comes from a fork")
    ci.upload(ci.folder / "forged", HISTORY)
    ci.begin(3)
    ended = ci.collect()
    assert ci.held() == ["1.1"]
    assert "warning" not in ended.err


@pytest.mark.parametrize(
    ("key", "changes", "said"),
    [
        ("run", {"run": "9.1"}, "run 9.1"),
        ("run", {"run": "1.2"}, "run 1.2"),
        ("run", {"commit": "f" * 40}, "commit ffff"),
        ("run", {"branch": "release"}, "branch release"),
        ("", {"repository": "eve/r"}, "repository eve/r"),
        ("", {"event": "schedule"}, "event schedule"),
        ("run", {"created": "2999-01-01T00:00:00Z"}, "a run is of the future"),
        ("run", {"tests": -1}, "tests is -1"),
        ("run", {"branch": "x\n::error::owned\n##[error]owned"}, "branch x ::error::owned ##\u200b[error]owned"),
    ],
)
def test_line_that_says_what_the_forge_does_not_is_left_out_and_told(
    ci: Ci, key: str, changes: dict[str, Any], said: str
) -> None:
    ci.begin(1)
    told = msgspec.to_builtins(ci.line())
    (told[key] if key else told).update(changes)
    number = ci.put(zipped(("run.jsonl", json.dumps(told).encode())), REPORT)
    ci.begin(2)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, [])
    assert f"artifact {number} of run 1 is left out" in ended.err
    assert said in ended.err
    ci.leave()
    ci.begin(3)
    assert "left out" not in ci.collect().err  # told once: it will not become better
    assert ci.held() == ["2.1"]


def test_line_of_another_branch_that_claims_the_default_one_is_left_out(ci: Ci) -> None:
    ci.begin(1, head_branch="topic")
    ci.leave(branch="topic")
    ci.begin(2)
    assert "it says the default branch" in ci.collect().err
    assert ci.held() == []


_LINK = zipfile.ZipInfo("run.jsonl")
_LINK.create_system, _LINK.external_attr = 3, 0o120777 << 16


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no archive", "BadZipFile"),
        (zipped(("run.jsonl", b"{}\n{}\n")), "no run of a history"),
        (zipped(("run.jsonl", b"\xff\xfe")), "no run of a history"),
        (zipped(("run.jsonl", b"[" * 100_000)), "no run of a history"),
        (zipped(("../run.jsonl", b"x"), ("run.jsonl", b"x")), "leads out of the archive"),
        (zipped((_LINK, b"/etc/passwd")), "a link or a device"),  # type: ignore[arg-type]
    ],
)
def test_hostile_archive_costs_no_other_run(ci: Ci, data: bytes, said: str) -> None:
    ci.whole(1)
    ci.begin(2)
    ci.put(data, REPORT)
    ci.begin(3)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, ["1.1"])
    assert said in ended.err


def test_archive_beyond_the_limit_or_with_another_digest_is_left_out(
    ci: Ci, monkeypatch: pytest.MonkeyPatch, api: GithubApi
) -> None:
    ci.whole(1)
    ci.begin(2)
    ci.put(b"x", REPORT, size_in_bytes=1 << 40)
    changed = ci.put(b"y", REPORT)
    api.blobs[changed] = b"other"
    gone = ci.put(b"z", REPORT)
    del api.blobs[gone]
    grown = ci.put(b"a", REPORT, digest=None)
    api.blobs[grown] = b"a" * 2_000_000
    monkeypatch.setattr(collecting.forks, "ARCHIVE_LIMIT_BYTES", 1_000_000)
    ci.begin(3)
    ended = ci.collect()
    for words in ("the limit is 1,000,000", "its digest differs", "an artifact is gone", "more than 1,000,000 bytes"):
        assert words in ended.err, ended.err
    assert ci.held() == ["1.1"]


@pytest.mark.parametrize(("status", "words"), [(403, "Resource not accessible"), (404, "Not Found"), (401, "Bad")])
def test_token_that_may_not_read_names_the_permission(ci: Ci, api: GithubApi, status: int, words: str) -> None:
    ci.begin(1)
    api.fault("runs.get", Fault(status=status, message=words))
    ended = ci.collect()
    assert ended.code == 4
    assert words in ended.err
    assert "grant `actions: read` to the job" in ended.err
    assert "not collected: the forge answered" in ci.page()
    assert "::error title=truegreen history::not collected" in ended.out + ended.err
    report = ci.judge()
    assert report["history"].startswith("nothing was compared with earlier runs: this run has no artifact truegreen-h")
    assert "::warning title=truegreen history::nothing was compared" in ci.desk.run("ci", "report").err


@pytest.mark.parametrize("operation", ["runs.get", "artifacts.all"])
def test_forge_that_fails_leaves_nothing_half(ci: Ci, api: GithubApi, operation: str) -> None:
    ci.whole(1)
    ci.begin(2)
    api.fault(operation, UNREACHABLE)
    ended = ci.collect()
    assert (ended.code, "TG402" in ended.err) == (4, True)
    assert not (ci.folder / "collected").exists()
    assert ci.collect().code == 0
    assert ci.held() == ["1.1"]


def test_store_of_archives_that_stumbles_is_asked_again(
    ci: Ci, api: GithubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_PAUSE_S", 0.0)
    ci.whole(1)
    for _, row in api.artifacts:
        api.blob_faults[row["id"]] = [503, 500]
    ci.begin(2)
    assert ci.collect().code == 0
    assert ci.held() == ["1.1"]


def test_report_that_cannot_be_fetched_now_is_taken_by_the_next_run(
    ci: Ci, api: GithubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_PAUSE_S", 0.0)
    ci.whole(1)
    api.blob_faults[api.artifacts[-1][1]["id"]] = [503] * 3
    ci.begin(2)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, [])
    assert "could not be fetched: it answered 503" in ended.err
    ci.begin(3)
    ci.collect()
    assert ci.held() == ["1.1"]


def test_reports_of_which_none_can_be_fetched_end_the_job(
    ci: Ci, api: GithubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_PAUSE_S", 0.0)
    for number in range(1, 6):
        ci.begin(number)
        ci.leave()
        api.blob_faults[api.artifacts[-1][1]["id"]] = [503] * 3
    ci.begin(6)
    assert ci.collect().code == 4
