"""Inputs of the actions: checked here, since not every forge checks them."""

from __future__ import annotations

import json

import pytest
from tests.support.app_shell import shell

from truegreen.app import ci, event
from truegreen.app.plan import UNSAFE
from truegreen.errors import ConfigurationError, UnknownName, WrongValue
from truegreen.forge.event import UNSAFE as FORGE_UNSAFE


@pytest.mark.parametrize("text", ["lint unit", "lint,unit", " lint,\n unit ", "lint\tunit\n"])
def test_words_are_separated_by_spaces_commas_and_lines(text: str) -> None:
    assert ci.words(shell(TG_STAGES=text), "TG_STAGES") == ("lint", "unit")
    assert ci.stages(shell(TG_STAGES=text)) == ("lint", "unit")


def test_words_of_a_variable_that_is_not_there_are_none() -> None:
    assert ci.words(shell(), "TG_STAGES") == ()


def test_stages_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        ci.stages(shell(TG_STAGES="lint wirng"))
    assert caught.value.fix == "perhaps you meant 'wiring'"


def test_stage_is_exactly_one() -> None:
    assert ci.stage(shell(TG_STAGE="lint")) == "lint"
    for text in ("", "lint unit"):
        with pytest.raises(WrongValue):
            ci.stage(shell(TG_STAGE=text))


@pytest.mark.parametrize("text", ["3.11", "3.9", "3.13t", "3.14", "pypy3.10", ""])
def test_python_version_is_taken(text: str) -> None:
    assert ci.python(text) == text


@pytest.mark.parametrize("text", ["3", "2.7", "3.x", "3.12.1", "3.12;id", "python3.12", "3.12\n", "٣.12", "3.123"])
def test_python_that_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(WrongValue):
        ci.python(text)


def test_pythons_are_a_matrix_and_never_empty() -> None:
    assert ci.pythons(shell(TG_PYTHON="3.11 3.12")) == ("3.11", "3.12")
    assert ci.pythons(shell()) == ("",)
    with pytest.raises(WrongValue):
        ci.pythons(shell(TG_PYTHON="3.11 latest"))


@pytest.mark.parametrize("name", ["", "1", "3.12", "linux-x64_a.b", "a" * 61])
def test_shard_name_is_taken(name: str) -> None:
    assert ci.shard(shell(TG_SHARD=name)) == name


@pytest.mark.parametrize("name", [".", "..", "../x", "a/b", "-x", "a b", "a\nb", "a" * 62, "ä", "$(id)"])
def test_shard_name_that_is_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(WrongValue) as caught:
        ci.shard(shell(TG_SHARD=name))
    assert not set("/$()\n ä") & set(caught.value.what.split("'")[1])


@pytest.mark.parametrize(
    ("text", "expected"), [('["lint", "e2e"]', ("lint", "e2e")), ("[]", ()), ("", ()), (" \n", ())]
)
def test_planned_stages_come_from_json(text: str, expected: tuple[str, ...]) -> None:
    assert ci.planned(shell(TG_STAGES_JSON=text)) == expected


@pytest.mark.parametrize("text", ["lint", "{}", "[1]", '["lint"', '["lnt"]'])
def test_planned_stages_that_cannot_be_read_are_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError):
        ci.planned(shell(TG_STAGES_JSON=text))


def jobs(**results: str) -> dict[str, str]:
    return {
        "TG_JOBS": json.dumps({name: {"result": result, "outputs": {"a": "b"}} for name, result in results.items()})
    }


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", "", "Success"])
def test_job_that_did_not_succeed_is_a_problem_of_its_stage(result: str) -> None:
    problems = ci.job_problems(shell(**jobs(lint=result, unit="success", plan="failure")), ("lint", "unit"))
    assert list(problems) == ["lint"]
    assert problems["lint"].message == f"the job of stage lint ended with {result or 'no result'}"


def test_job_without_a_result_is_a_problem() -> None:
    found = shell(TG_JOBS='{"lint": {}}')
    assert list(ci.job_problems(found, ("lint",))) == ["lint"]
    assert list(ci.job_problems(shell(**jobs(plan="success")), ("lint",))) == ["lint"]


def test_jobs_nobody_told_about_are_no_problem() -> None:
    assert ci.job_problems(shell(), ("lint",)) == {}
    assert ci.job_problems(shell(TG_JOBS="{}"), ("lint",)) == {}


@pytest.mark.parametrize("text", ["success", "[]", '{"lint": "success"}', '{"lint": {"result": 1}}'])
def test_jobs_that_cannot_be_read_are_an_error(text: str) -> None:
    with pytest.raises(WrongValue):
        ci.job_problems(shell(TG_JOBS=text), ("lint",))


@pytest.mark.parametrize(("result", "words"), [("failure", "ended with failure"), ("", "ended with no result")])
def test_plan_that_did_not_end_well_is_named(result: str, words: str) -> None:
    assert words in ci.plan_failure(shell(**jobs(plan=result)))


def test_plan_that_ended_well_or_that_nobody_told_about_is_no_failure() -> None:
    assert ci.plan_failure(shell(**jobs(plan="success"))) == ""
    assert ci.plan_failure(shell()) == ""


def test_outputs_are_text_or_one_line_of_json() -> None:
    assert ci.outputs({"a": "x\ny", "b": ["1", ""], "c": None}) == {"a": "x\ny", "b": '["1", ""]', "c": "null"}


def test_shell_knows_the_pack_it_belongs_to() -> None:
    assert shell(TG_PACK_COMMIT="abc").pack_commit == "abc"
    assert shell().pack_commit == ""


def test_environment_is_not_written_where_there_is_no_runner() -> None:
    assert event.write_environment(shell(), {"A": "b"}) is None


def test_unsafe_events_are_the_same_for_the_plan_and_for_the_run() -> None:
    assert set(UNSAFE) == set(FORGE_UNSAFE)
