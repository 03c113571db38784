"""What the forge says of archives and runs: whatever it says otherwise is no archive and no run."""

from __future__ import annotations

from typing import Any

import pytest

from truegreen.errors import ForgeRefused
from truegreen.forge import artifacts as uploaded

REPORT = "truegreen-report"


class Said:
    """A reader to whom the forge says one thing."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def read(self, path: str, query: dict[str, str], permission: str) -> Any:
        assert path.startswith("/actions/")
        assert permission == "actions: read"
        return self.answer


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1 << 70},
        {"id": "7"},
        {"size_in_bytes": None},
        {"size_in_bytes": -1},
        {"workflow_run": None},
        {"workflow_run": {"id": 0}},
        {"name": "another"},
    ],
)
def test_row_of_the_list_that_names_no_archive_is_passed_over(row: dict[str, Any]) -> None:
    good = {"id": 7, "name": REPORT, "size_in_bytes": 3, "expired": False, "workflow_run": {"id": 8}}
    read = Said({"artifacts": [{**good, **row}, "no row", good]})
    (page,) = uploaded.uploads(read, REPORT, 5)
    assert [(upload.id, upload.run_id, upload.own, upload.created) for upload in page] == [(7, 8, False, "")]


@pytest.mark.parametrize("answer", [None, [], {}, {"artifacts": None}, {"artifacts": {}}, "text"])
def test_list_of_archives_that_is_none_is_refused(answer: Any) -> None:
    with pytest.raises(ForgeRefused, match="list of artifacts is none"):
        list(uploaded.uploads(Said(answer), REPORT, 5))


@pytest.mark.parametrize(
    "changes",
    [{"id": 9}, {"event": ""}, {"event": 7}, {"head_sha": "main"}, {"head_sha": None}, {"repository": None},
     {"repository": {"id": "1"}}],
)  # fmt: skip
def test_word_on_a_run_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    good = {"id": 8, "event": "push", "head_sha": "a" * 40, "repository": {"id": 1}, "path": "p"}
    assert uploaded.past_run(Said(good), 8).from_fork  # nobody says where its head lies
    for answer in ({**good, **changes}, None, []):
        with pytest.raises(ForgeRefused, match="word on run 8 is none"):
            uploaded.past_run(Said(answer), 8)


@pytest.mark.parametrize("answer", [None, [], {}, {"workflow_runs": None}, "text"])
def test_list_of_runs_that_is_none_is_refused(answer: Any) -> None:
    with pytest.raises(ForgeRefused, match="list of runs is none"):
        list(uploaded.runs_of(Said(answer), 7, "main", 5))


def test_row_of_the_list_of_runs_that_names_none_is_passed_over() -> None:
    good = {"id": 8, "event": "push", "head_sha": "a" * 40, "repository": {"id": 1}, "path": "p", "workflow_id": 7}
    (page,) = uploaded.runs_of(Said({"workflow_runs": [{**good, "id": 1 << 70}, "no row", good]}), 7, "main", 5)
    assert [(run.id, run.workflow) for run in page] == [(8, 7)]


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"ref": "refs/tags/main", "object": {"sha": "a" * 40}}, {"ref": "refs/heads/main", "object": None}],
)
def test_word_on_a_branch_that_is_none_is_refused(answer: Any) -> None:
    with pytest.raises(ForgeRefused, match="word on branch main is none"):
        uploaded.tip(Asked(answer), "main")


@pytest.mark.parametrize(
    ("answer", "reached"),
    [({"status": "behind"}, [True]), ({"status": "identical"}, [True]), ({"status": "ahead"}, [False]),
     ({"status": "diverged"}, [False]), ({}, [False]), (None, [False])],
)  # fmt: skip
def test_commit_is_on_a_branch_where_the_forge_says_that_it_is_behind_it(answer: Any, reached: list[bool]) -> None:
    assert [uploaded.reaches(Asked(answer), "a" * 40, "b" * 40)] == reached


class Asked(Said):
    """A reader of what lies in the repository."""

    def read(self, path: str, query: dict[str, str], permission: str) -> Any:
        assert path.startswith(("/git/ref/heads%2Fmain", "/compare/"))
        assert permission == "contents: read"
        return self.answer
