"""Which stores a stage observes, and which of them count."""

from fnmatch import fnmatchcase

import pytest

from truegreen.errors import ConfigurationError
from truegreen.model.persistence import Change, Window
from truegreen.model.service import ServiceHandle
from truegreen.stages.common.watch import Watch, Watched, watched
from truegreen.stages.observers import _copies as copies


def handle(name, kind="", **more):
    values = {"provider": "attach", "host": "127.0.0.1", "port": 1, "url": "", **more}
    return ServiceHandle(name=name, kind=kind or name, **values)


POSTGRES = handle("postgres", database="app")
OTHER = handle("other", "postgres", database="other")
MAIL = handle("mailpit")


def counting(*services, **more):
    return {store.name: store.counts for store in watched(services, **more)}


def test_what_cannot_be_observed_is_left_out():
    assert counting(MAIL, POSTGRES) == {"postgres": True}


def test_stores_that_are_named_count_alone():
    assert counting(POSTGRES, OTHER) == {"postgres": True, "other": True}
    assert counting(POSTGRES, OTHER, stores=["other"]) == {"postgres": False, "other": True}


@pytest.mark.parametrize("services", [(), (MAIL,)])
def test_nothing_to_observe_is_an_error_that_names_what_can_be(services):
    with pytest.raises(ConfigurationError, match="no store to read evidence from") as caught:
        watched(services)
    assert "postgres" in caught.value.fix


def test_store_that_is_not_observed_cannot_count():
    with pytest.raises(ConfigurationError, match="'mailpit' is no store") as caught:
        watched((MAIL, POSTGRES), stores=["mailpit"])
    assert (caught.value.where, "postgres" in caught.value.fix) == ("persistence.stores", True)


@pytest.mark.parametrize(
    ("configured", "patterns"),
    [
        ((), (copies.of("app"), copies.of("other"))),
        (("x",), (("x",), ("x",))),
        (("x", "other:y"), (("x",), ("y",))),
        (("other:y",), (copies.of("app"), ("y",))),
    ],
)
def test_databases_are_those_of_the_service_or_those_configured_for_it(configured, patterns):
    assert tuple(store.databases for store in watched((POSTGRES, OTHER), databases=configured)) == patterns


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        *((name, True) for name in ("app", "test_app", "test_app_1", "test_app_gw0", "app_test", "app_test_gw3")),
        *((name, True) for name in ("app_worker1", "app_gw0", "app_7", "app_tmp_x", "app_d41d8cd98f00b204")),
        *((name, False) for name in ("app_archive", "test_app_archive", "app_testimonials", "app_workers", "apple")),
        *((name, False) for name in ("app_", "other", "test_other", "archive_app")),
    ],
)
def test_copies_made_for_tests_count_and_other_databases_of_the_application_do_not(name, counted):
    assert any(fnmatchcase(name, pattern) for pattern in copies.of("app")) is counted


class Failing:
    """A store that is lost at a given call."""

    tier, version = "A: of a test", "1"

    def __init__(self, fails):
        self.fails = fails
        self.calls = []

    def _called(self, name):
        self.calls.append(name)
        if name == self.fails:
            raise ConnectionResetError("reset by peer")

    def position(self):
        self._called("position")
        return 1

    def between(self, start, end):
        self._called("between")
        return Window()

    def close(self):
        self._called("close")


@pytest.mark.parametrize("fails", ["position", "between"])
def test_store_that_is_lost_is_blind_from_there_on_and_is_not_asked_again(fails):
    store = Failing(fails)
    watch = Watch(Watched(name="s", kind="s", open=lambda: store))
    watch.open()
    watch.start()
    watch.mark("t::a", "call")()
    calls = list(store.calls)
    watch.mark("t::b", "call")()
    assert store.calls == calls
    evidence = watch.evidence((), "", finished=True)
    where = "; noticed at the end of the call of t::a" if fails == "between" else ""
    assert (evidence.complete, evidence.tier) == (False, "")
    assert evidence.problem == f"ConnectionResetError: reset by peer{where}"
    assert [phase.problem for phase in evidence.phases] == [evidence.problem] * 2
    assert "could not be recorded" in watch.note


class Deaf(Failing):
    """A store that cannot tell all of one window."""

    def between(self, start, end):
        return Window(problem="it was told to be silent") if self.calls.count("position") == 3 else Window()


@pytest.mark.parametrize(("phase", "told"), [("call", "it was told to be silent"), ("setup", ""), ("teardown", "")])
def test_window_that_cannot_be_told_whole_is_a_problem_of_that_call_alone(phase, told):
    watch = Watch(Watched(name="s", kind="s", open=lambda: Deaf("")))
    watch.open()
    watch.start()
    for test, one in (("t::a", "call"), ("t::b", phase), ("t::c", "call")):
        watch.mark(test, one)()
    evidence = watch.evidence((), "", finished=True)
    assert [one.problem for one in evidence.phases] == ["", told, ""]
    assert (evidence.complete, evidence.problem) == (True, "")


def test_store_that_cannot_be_opened_is_blind():
    watch = Watch(Watched(name="s", kind="s", open=lambda: 1 / 0))
    watch.open()
    watch.start()
    watch.mark("t::a", "call")()
    watch.close()
    evidence = watch.evidence((), "", finished=True)
    assert (evidence.complete, evidence.server_version) == (False, "")
    assert "ZeroDivisionError" in evidence.problem


def test_store_that_fails_to_hang_up_loses_nothing():
    store = Failing("close")
    watch = Watch(Watched(name="s", kind="s", open=lambda: store, counts=False))
    watch.open()
    watch.close()
    assert watch.evidence((), "", finished=True).complete
    assert watch.note == "persistence evidence of s, tier A: of a test; counts only for tests that name it"


class Counting:
    """A store in which each position is one change later; what it is told to resume is kept."""

    tier, version = "A: of a test", "1"

    def __init__(self):
        self.place = 0
        self.parts = []
        self.read = []

    def position(self):
        self.place += 1
        return self.place

    def resume(self, parts):
        self.parts = list(parts)

    def between(self, start, end):
        self.read.append((start, end, self.parts))
        change = Change(store="s", object=f"{end % 2}", kind="insert", count=end)
        return Window(committed=(change,), rolled_back=(change,))

    def close(self):
        """There is nothing to close."""


def test_parts_of_a_call_that_went_on_are_one_phase_without_what_lies_between():
    store = Counting()
    watch = Watch(Watched(name="s", kind="s", open=lambda: store))
    watch.open()
    watch.start()
    watch.mark("t::a", "setup")()
    for _ in range(2):
        watch.finish("t::a", "call", goes_on=True)()
        watch.mark("t::a", "setup")()
    watch.finish("t::a", "call")()
    watch.finish("t::a", "teardown")()
    watch.mark("t::b", "setup")()
    watch.mark("t::b", "call")()
    phases = watch.evidence((), "", finished=True).phases
    kept = [(one.test, one.phase, [(change.object, change.count) for change in one.committed]) for one in phases]
    assert kept == [
        ("t::a", "setup", [("0", 2)]),
        ("t::a", "setup", [("0", 4)]),
        ("t::a", "setup", [("0", 6)]),
        ("t::a", "call", [("1", 3 + 5 + 7)]),
        ("t::a", "teardown", [("0", 8)]),
        ("t::b", "setup", [("1", 9)]),
        ("t::b", "call", [("0", 10)]),
    ]
    first, second = (2, 3), (4, 5)
    assert [parts for _, _, parts in store.read] == [[], [], [], [first], [], [first, second], [], [], []]


def test_parts_of_a_call_that_never_ended_are_no_part_of_the_next_one():
    store = Counting()
    watch = Watch(Watched(name="s", kind="s", open=lambda: store))
    watch.open()
    watch.start()
    watch.finish("t::a", "call", goes_on=True)()
    watch.finish("t::a", "teardown")()
    watch.finish("t::a", "call")()
    assert [change.count for change in watch.evidence((), "", finished=True).phases[-1].committed] == [4]
    assert store.parts == []
