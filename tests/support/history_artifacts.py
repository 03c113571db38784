"""A project whose CI keeps its history in artifacts, on a local GitHub: what each run collects, judges and leaves."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
from tests.support import history_desk
from tests.support.foreign_runs import zipped
from tests.support.past_results import result, run

from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.app_desk import Desk, Ended
    from tests.support.github_api import GithubApi

    from truegreen.model.results import RunResults

ON = "[tool.truegreen.history]\nartifacts = true\n"
HISTORY, REPORT = "truegreen-history", "truegreen-report"


class Ci:
    """The runs of a project's CI."""

    def __init__(self, desk: Desk, api: GithubApi) -> None:
        self.desk = desk
        self.api = api
        self.folder = desk.root.parent
        self._moment = 0
        desk.configure(ON)
        desk.commit()
        desk.env(GITHUB_API_URL=api.url, GITHUB_TOKEN="ghs_secret", GITHUB_ACTIONS="true", TG_SET=history_desk.SET)
        desk.env(GITHUB_STEP_SUMMARY=str(self.folder / "page.md"), GITHUB_WORKSPACE=str(desk.root))

    def begin(self, number: int, *, attempt: int = 1, **known: Any) -> None:
        """Let a run begin: a push to the default branch, unless other things are known of it."""
        history_desk.event(self.desk, number, attempt=attempt)
        self.api.add_run(number, self.desk.git("rev-parse", "HEAD"), run_attempt=attempt, **known)

    def begin_pull_request(self, number: int, repository: str, **known: Any) -> None:
        """Let a run for a pull request from a repository begin."""
        history_desk.from_pull_request(self.desk, number, repository)
        head = {"head": 2} if repository != "o/r" else {}
        about = {"event": "pull_request", "head_branch": "topic", **head, **known}
        self.api.add_run(number, self.desk.git("rev-parse", "HEAD"), **about)

    def collect(self) -> Ended:
        """Run the job that collects; where it comes to its end, its artifact is uploaded and handed to the report."""
        collected = self.folder / "collected"
        shutil.rmtree(collected, ignore_errors=True)
        shutil.rmtree(self.folder / "artifacts" / HISTORY, ignore_errors=True)
        self.desk.env(TG_EVIDENCE=str(collected))
        ended = self.desk.run("ci", "collect")
        if ended.code == 0:
            self.upload(collected / HISTORY, HISTORY)
            shutil.copytree(collected / HISTORY, self.folder / "artifacts" / HISTORY)
        return ended

    def judge(self, *names: str, **more: Any) -> dict[str, Any]:
        """Run the report job; its artifact is uploaded."""
        report = history_desk.judge(self.desk, *names, **more)
        self.upload(self.desk.root / ".truegreen" / "report", REPORT)
        return report

    def line(self, **changes: Any) -> RunResults:
        """Return the line that the report of the present run would leave, with other values where they are given."""
        number, attempt = int(os.environ["GITHUB_RUN_ID"]), os.environ["GITHUB_RUN_ATTEMPT"]
        about = {"run": f"{number}.{attempt}", "commit": self.desk.git("rev-parse", "HEAD")}
        told = run(number, result(), **{**about, **changes})
        event = os.environ["GITHUB_EVENT_NAME"]
        return msgspec.structs.replace(told, repository="o/r", event=event)

    def leave(self, **changes: Any) -> int:
        """Leave the report of the present run: as much of it as others are judged with."""
        return self.put(zipped(("run.jsonl", msgspec.json.encode(self.line(**changes)))), REPORT)

    def whole(self, number: int, **more: Any) -> None:
        """Let a run begin, collect and leave its report."""
        self.begin(number, **more)
        ended = self.collect()
        assert ended.code == 0, ended.err
        self.leave()

    def upload(self, folder: Path, name: str, **values: Any) -> int:
        """Keep the files of a folder as an artifact of the present run."""
        files = [(path.name, path.read_bytes()) for path in sorted(folder.iterdir()) if path.is_file()]
        return self.put(zipped(*files), name, **values)

    def put(self, data: bytes, name: str, **values: Any) -> int:
        """Keep an archive as an artifact of the present run, a minute after the one before."""
        self._moment += 1
        hour, minute = divmod(self._moment, 60)
        made = f"2026-11-2{1 + hour // 24}T{hour % 24:02}:{minute:02}:00Z"
        run = int(os.environ["GITHUB_RUN_ID"])
        return self.api.add_artifact(run, data, name, **{"created_at": made, **values})

    def held(self) -> list[str]:
        """Return the runs in the history that was collected last."""
        store = SqliteStore(self.folder / "collected" / HISTORY / "history.sqlite")
        assert store.check() == []
        return sorted(store.digests())

    def page(self) -> str:
        """Return what the jobs wrote on the summary page so far."""
        return (self.folder / "page.md").read_text()
