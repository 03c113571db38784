"""What is asked for: versions, digests, needs, and what cannot be."""

import pytest

from truegreen.config.schema import ServiceOptions
from truegreen.errors import UnknownName, WrongValue
from truegreen.services.asked import ONE_SHOT, plain, resolve

MIGRATE = ServiceOptions(one_shot=True, command=["migrate"], needs=["postgres@18"])


def one(text, **options):
    name = text.partition("@")[0]
    return resolve([text], {name: ServiceOptions(**options)})[name]


@pytest.mark.parametrize(
    ("text", "options", "image"),
    [
        ("postgres", {}, "postgres:16-alpine"),
        ("postgres@18", {}, "postgres:18-alpine"),
        ("postgres", {"version": "17"}, "postgres:17-alpine"),
        ("postgres@18", {"version": "17"}, "postgres:18-alpine"),
        ("old", {"kind": "postgres@13"}, "postgres:13-alpine"),
        ("old", {"kind": "postgres@13", "version": "14"}, "postgres:14-alpine"),
        ("mine", {"kind": "redis", "image": "my/redis:1"}, "my/redis:1"),
        ("mine@9", {"kind": "redis", "image": "my/redis:{version}"}, "my/redis:9"),
        ("redis", {"digest": f"sha256:{'a' * 64}"}, f"redis:7-alpine@sha256:{'a' * 64}"),
        ("kafka@4.0.0", {}, "apache/kafka:4.0.0"),
    ],
)
def test_image_follows_the_version_that_is_nearest_to_the_name(text, options, image):
    assert one(text, **options).image() == image


@pytest.mark.parametrize(("asked", "has", "takes"), [("18", "18.6.3", True), ("1", "18", False), ("", "7", True)])
def test_version_is_taken_by_whole_parts(asked, has, takes):
    assert one(f"postgres@{asked}" if asked else "postgres").takes(has) is takes


@pytest.mark.parametrize("text", ["postgres@", "postgres@ 18", "postgres@18;rm", "postgres@18@19", "redis@-1"])
def test_version_that_cannot_be_one_is_refused(text):
    with pytest.raises(WrongValue, match="names no version"):
        resolve([text], {})


@pytest.mark.parametrize("digest", ["sha256:1", "latest", f"sha256:{'A' * 64}", f"md5:{'a' * 64}"])
def test_digest_that_is_none_is_refused(digest):
    with pytest.raises(WrongValue, match="digest"):
        one("redis", digest=digest)


def test_one_name_with_two_versions_is_refused_and_told_apart():
    with pytest.raises(WrongValue) as caught:
        resolve(["postgres@15", "postgres@18"], {})
    assert 'kind = "postgres@18"' in caught.value.fix
    assert resolve(["postgres@15", "postgres@15", "postgres"], {})["postgres"].version == "15"


def test_what_is_needed_comes_first_and_once():
    found = resolve(["migrate", "redis", "migrate"], {"migrate": MIGRATE})
    assert list(found) == ["postgres", "migrate", "redis"]
    assert found["postgres"].version == "18"
    assert found["migrate"].kind == ONE_SHOT


@pytest.mark.parametrize("needs", [["a"], ["b"]])
def test_services_that_need_each_other_are_refused(needs):
    tables = {"a": ServiceOptions(kind="redis", needs=needs), "b": ServiceOptions(kind="redis", needs=["a"])}
    with pytest.raises(WrongValue) as caught:
        resolve(["a"], tables)
    assert "a → " in caught.value.why


def test_one_shot_that_runs_nothing_is_refused():
    with pytest.raises(WrongValue, match="runs nothing"):
        one("x", one_shot=True)


def test_unknown_kind_is_refused_with_the_nearest():
    with pytest.raises(UnknownName) as caught:
        resolve(["postgress@18"], {})
    assert "postgres" in caught.value.fix


def test_plain_names_have_no_versions():
    assert plain(["postgres@18", "redis"]) == ("postgres", "redis")


@pytest.mark.parametrize("kind", ["redis", "valkey"])
@pytest.mark.parametrize("name", ["x", "1x", "-1", "²", "1 "])
def test_database_without_a_number_is_refused_where_databases_have_numbers(kind, name):
    with pytest.raises(WrongValue, match="the database of service mine is none"):
        one("mine", kind=kind, database=name)


def test_database_is_a_number_or_a_name_as_its_server_has_them():
    assert one("mine", kind="redis", database="15").options.database == "15"
    assert one("mine", kind="postgres", database="app").options.database == "app"
