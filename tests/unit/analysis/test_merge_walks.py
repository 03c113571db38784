"""Walks of several legs of a matrix: what is wrong in one of them is wrong, and what one did not walk nobody walked."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.evidence import wiring

from truegreen.analysis import merge
from truegreen.model.wiring import Flaw, Flawed, Place, Root, Unbuilt, Walk

ONE, TWO = Root(name="app.di:one"), Root(name="app.di:two")
FLAW = Flawed(flaw=Flaw.MISSING, path="Service._repository", name="Service.repository", holds="None")
WALK = Walk(root=ONE.name, objects=3, held=(("Service.repository", "Sql", "Service._repository"),), walk_ms=1.0)


def leg(*walks, roots=(ONE,), **more):
    return wiring(roots=roots, walks=walks, **more)


def test_flaw_of_one_leg_is_kept_wherever_it_stands():
    bad = msgspec.structs.replace(WALK, flawed=(FLAW,), objects=2, walk_ms=2.0)
    for parts in ((leg(WALK), leg(bad)), (leg(bad), leg(WALK))):
        (walk,) = merge.wirings(parts).walks
        assert (walk.flawed, walk.objects, walk.walk_ms, walk.held) == ((FLAW,), 2, 2.0, WALK.held)


def test_error_of_one_leg_is_kept_with_its_remedy():
    broken = Walk(root=ONE.name, error="KeyError: 'DSN'", remedy="give it")
    (walk,) = merge.wirings((leg(WALK), leg(broken))).walks
    assert (walk.error, walk.remedy) == ("KeyError: 'DSN'", "give it")


def test_root_that_one_leg_did_not_walk_has_no_walk():
    assert merge.wirings((leg(WALK), leg())).walks == ()


def test_root_that_only_one_leg_has_is_judged_by_that_leg():
    other = msgspec.structs.replace(WALK, root=TWO.name)
    merged = merge.wirings((leg(WALK), leg(WALK, other, roots=(ONE, TWO), stray=("gone:x",))))
    assert [root.name for root in merged.roots] == [ONE.name, TWO.name]
    assert [walk.root for walk in merged.walks] == [ONE.name, TWO.name]
    assert merged.stray == ("gone:x",)


@pytest.mark.parametrize("left", [("a", "b"), ()])
def test_what_was_not_looked_at_is_kept_from_all(left):
    walk = msgspec.structs.replace(WALK, left=left)
    assert merge.wirings((leg(WALK), leg(walk))).walks[0].left == left


def test_thread_that_goes_on_in_one_leg_and_what_one_leg_could_not_build_are_kept():
    restless = msgspec.structs.replace(WALK, threads=("poller",))
    both = msgspec.structs.replace(WALK, threads=("poller", "beat"))
    one = Unbuilt(name="app.di:make", why="needs an address", place=Place(path="app/di.py", line=3))
    two = msgspec.structs.replace(one, name="app.di:other")
    for parts in (
        (leg(WALK, unbuilt=(one,)), leg(both, unbuilt=(one, two))),
        (leg(both, unbuilt=(one, two)), leg(restless)),
    ):
        merged = merge.wirings(parts)
        assert sorted(merged.walks[0].threads) == ["beat", "poller"]
        assert merged.unbuilt == (one, two)
