"""One message an incident where the history is kept on a branch or in artifacts, and nothing is remembered."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import history_desk
from tests.support.history_artifacts import Ci
from tests.support.history_desk import BRANCH, event, judge, keep
from tests.support.slack_server import SlackServer, Trouble

from truegreen.errors import EXIT_ENGINE, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk, Ended
    from tests.support.git_server import GitServer
    from tests.support.github_api import GithubApi

RED, GREEN = "🔴 o/r main is red", "🟢 o/r main is green again"


@pytest.fixture
def slack(desk: Desk) -> Iterator[SlackServer]:
    with SlackServer() as server:
        desk.env(SLACK_WEBHOOK_URL=server.url)
        yield server


@pytest.fixture
def server(desk: Desk, tmp_path: Path) -> Iterator[GitServer]:
    """The private repository that the desk's project is a checkout of."""
    with history_desk.serving(desk, tmp_path / "served") as found:
        yield found


@pytest.fixture
def ci(desk: Desk, api: GithubApi) -> Ci:
    """The CI of the desk's project, which keeps its history in artifacts."""
    return Ci(desk, api)


def told(slack: SlackServer) -> list[str]:
    """Return the titles of what was told."""
    return [message["blocks"][0]["text"]["text"] for message in slack.messages]


def notify(desk: Desk, *more: str) -> Ended:
    """Run the job that tells people, which has the report's artifact and no history of its own."""
    ended = desk.run("notify", "--evidence", str(desk.root / ".truegreen"), *more)
    assert not (desk.root / ".truegreen" / "history.sqlite").exists()
    return ended


def on_branch(desk: Desk, number: int, *, red: bool, kept: bool = True, **more: Any) -> Ended:
    """Let a run on the branch's history judge, notify, and be kept."""
    event(desk, number, **more)
    judge(desk, failed=("test_b",) if red else ())
    ended = notify(desk)
    if kept:
        assert keep(desk).code == 0
    return ended


def test_notify_with_a_branch_tells_red_once_and_green_once(desk: Desk, server: GitServer, slack: SlackServer) -> None:
    for number, red in enumerate((False, True, True, False, False, True), start=1):
        assert on_branch(desk, number, red=red).code == EXIT_OK
    assert told(slack) == [RED, GREEN, RED]
    assert "2 red runs" in json.dumps(slack.messages[1], ensure_ascii=False)


def test_notify_with_a_branch_later_attempt_repairs_the_earlier_one(
    desk: Desk, server: GitServer, slack: SlackServer
) -> None:
    on_branch(desk, 1, red=True)
    on_branch(desk, 1, red=False, attempt=2)
    on_branch(desk, 2, red=False)
    assert told(slack) == [RED, GREEN]


def test_notify_with_a_branch_counts_no_other_branch_and_no_pull_request(
    desk: Desk, server: GitServer, slack: SlackServer
) -> None:
    desk.configure(history_desk.ON + "pull-requests = true\n")
    desk.commit()
    on_branch(desk, 1, red=True, ref="refs/heads/topic")
    history_desk.from_pull_request(desk, 2, "o/r")
    judge(desk, failed=("test_b",))
    assert keep(desk).code == 0
    on_branch(desk, 3, red=False)
    assert told(slack) == ["🔴 o/r topic is red"]
    on_branch(desk, 4, red=False, ref="refs/heads/topic")
    assert told(slack) == ["🔴 o/r topic is red", "🟢 o/r topic is green again"]


def test_notify_red_that_the_next_run_could_not_know_ends_with_the_one_after(
    desk: Desk, server: GitServer, slack: SlackServer, tmp_path: Path
) -> None:
    on_branch(desk, 1, red=True, kept=False)
    line = (desk.root / ".truegreen" / "report" / "run.jsonl").read_bytes()
    on_branch(desk, 2, red=False)  # judged before the first one was kept
    event(desk, 1)
    (desk.root / ".truegreen" / "report" / "run.jsonl").write_bytes(line)
    assert keep(desk).code == 0
    assert told(slack) == [RED]
    on_branch(desk, 3, red=False)
    on_branch(desk, 4, red=False)
    assert told(slack) == [RED, GREEN]


def test_notify_whose_branch_cannot_be_read_tells_a_red_and_says_so(
    desk: Desk, server: GitServer, slack: SlackServer
) -> None:
    on_branch(desk, 1, red=True)
    bare = server.root / "o/r.git"
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=bare, input=b"no database", capture_output=True, check=True
    ).stdout.decode()
    tree = subprocess.run(
        ["git", "mktree"], cwd=bare, input=f"100644 blob {blob.strip()}\thistory.sqlite\n".encode(),
        capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    made = subprocess.run(
        ["git", "-c", "user.name=o", "-c", "user.email=o@o.invalid", "commit-tree", tree, "-m", "x"],
        cwd=bare, capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    subprocess.run(["git", "update-ref", f"refs/heads/{BRANCH}", made], cwd=bare, check=True)
    ended = on_branch(desk, 2, red=True, kept=False)
    assert (ended.code, told(slack)) == (EXIT_OK, [RED, RED])
    assert "what was told before is not known, or not kept: the history" in ended.err
    assert notify(desk, "--strict").code == EXIT_ENGINE


def test_notify_that_is_refused_fails_its_job_and_the_job_started_again_tells_it(
    desk: Desk, server: GitServer, slack: SlackServer
) -> None:
    slack.trouble(Trouble(status=403, body="action_prohibited"))
    ended = on_branch(desk, 1, red=True)
    assert (ended.code, told(slack)) == (EXIT_ENGINE, [])
    assert "no later run tells it: start this job again" in ended.err
    event(desk, 1, attempt=2)  # of the first attempt are the report and what it handed over
    assert (notify(desk).code, told(slack)) == (EXIT_OK, [RED])


@pytest.mark.parametrize("handed", [b"no json", b"{}", b'{"run":"9.1","incident":{"key":"k","open":true}}'])
def test_notify_that_was_handed_something_else_tells_a_red_and_says_so(
    desk: Desk, server: GitServer, slack: SlackServer, handed: bytes
) -> None:
    on_branch(desk, 1, red=True)
    event(desk, 2)
    judge(desk, failed=("test_b",))
    (desk.root / ".truegreen" / "report" / "branch.json").write_bytes(handed)
    ended = notify(desk)
    assert (ended.code, told(slack)) == (EXIT_OK, [RED, RED])
    assert "what was told before is not known, or not kept: branch.json" in ended.err


def test_notify_with_artifacts_tells_red_once_and_green_once(ci: Ci, slack: SlackServer) -> None:
    for number, red in enumerate((True, True, False, False), start=1):
        ci.begin(number)
        assert ci.collect().code == EXIT_OK
        ci.judge(failed=("test_b",) if red else ())
        assert notify(ci.desk).code == EXIT_OK
    assert told(slack) == [RED, GREEN]


def test_notify_with_artifacts_and_runs_at_once_loses_no_end(ci: Ci, slack: SlackServer) -> None:
    held = ci.folder / "artifacts" / "truegreen-history"
    ci.begin(1)
    ci.collect()
    nothing = (held / "history.sqlite").read_bytes()
    ci.judge(failed=("test_b",))
    notify(ci.desk)
    ci.begin(2)
    (held / "history.sqlite").write_bytes(nothing)  # collected while the first one was on its way
    ci.judge()
    notify(ci.desk)
    assert told(slack) == [RED]
    for number in (3, 4):
        ci.begin(number)
        ci.collect()
        ci.judge()
        notify(ci.desk)
    assert told(slack) == [RED, GREEN]


def test_notify_where_nothing_was_collected_tells_a_red_and_says_so(ci: Ci, slack: SlackServer) -> None:
    ci.begin(1)
    ci.judge(failed=("test_b",))
    ended = notify(ci.desk)
    assert told(slack) == [RED]
    assert "this run has no artifact truegreen-history" in ended.err
