"""The walk from the roots of small real applications: FastAPI, dependency-injector, Flask, and plain factories."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
REQUIREMENTS = "pytest>=9\npytest-xdist>=3.8\nfastapi>=0.118\ndependency-injector>=4.48\nflask>=3.1\n"
PARTS = """
    class Repository:
        def save(self, row): ...

    class SqlRepository(Repository): ...

    class InMemoryRepository(Repository): ...

    class Service:
        def __init__(self, repository: Repository | None = None):
            self._repository = repository

        def save(self, row):
            if self._repository:
                self._repository.save(row)
"""
FASTAPI = """
    from typing import Annotated
    from fastapi import Depends, FastAPI, Request
    from shop.parts import Service, SqlRepository

    def get_service():
        {}

    def service_of(request: Request) -> Service:
        return request.app.state.service

    app = FastAPI()

    @app.post("/rows")
    def post_row(service: Annotated[Service, Depends(get_service)], other: str = ""): ...

    @app.get("/rows")
    def get_rows(service: Annotated[Service, Depends(service_of)]): ...
"""
CONTAINER = """
    from dependency_injector import containers, providers
    from shop.parts import InMemoryRepository, Service, SqlRepository

    class Container(containers.DeclarativeContainer):
        config = providers.Configuration()
        repository = {}
        service = providers.Factory(Service, {})
"""
FLASK = """
    from flask import Flask
    from flask.views import MethodView
    from shop.parts import Service, SqlRepository

    class Rows(MethodView):
        def __init__(self, service: Service | None = None):
            self.service = service

        def post(self):
            if self.service:
                self.service.save({})
            return "", 201

    def create_app():
        app = Flask("shop")
        app.add_url_rule("/rows", view_func=Rows.as_view("rows"{}))
        return app
"""


@pytest.fixture
def shop(home):
    home.clear()
    home.write("requirements.txt", REQUIREMENTS)
    home.write("shop/__init__.py", "")
    home.write("shop/parts.py", PARTS)
    return home


def walk_of(judged):
    (walk,) = judged.evidence.wiring.walks
    return walk


def red(judged):
    return [one.path for walk in judged.evidence.wiring.walks for one in walk.flawed if one.red]


def factory(body):
    return f"from shop.parts import *\n\ndef get_service() -> Service:\n    {body}\n"


def test_factory_that_wires_is_a_test_that_passed_without_any_test_of_the_user(shop):
    shop.write("shop/di.py", factory("return Service(SqlRepository())"))
    judged = shop.run(stage="wiring")
    assert judged.status == "pass", judged.log()
    assert judged.ids == {"wiring::shop.di:get_service"}
    assert walk_of(judged).held == (("Service.repository", "SqlRepository", "Service._repository"),)


def test_factory_that_forgot_the_repository_is_red_though_another_call_site_supplies_it(shop):
    shop.write("shop/di.py", factory("return Service()"))
    shop.write("shop/batch.py", "from shop.parts import *\n\nSERVICE = [Service(SqlRepository())]\n")
    judged = shop.run(stage="wiring")
    assert (judged.status, judged.says("unwired"), judged.says("no-failures")) == ("fail", "fail", "fail")
    assert judged.evidence.wiring.dependencies[0].supply == "supplied"
    text = "Service._repository is None; Repository | None declared at shop/parts.py:10"
    assert text in judged.case("get_service").message
    assert judged.verdict("unwired").items[0].line == 10


@pytest.mark.parametrize("parameter", ["repository", "repository=None", "keeper=None", "keeper: Any = None"])
def test_missing_repository_without_a_type_is_red_where_a_method_goes_on_without_it(shop, parameter):
    name = parameter.partition("=")[0].partition(":")[0]
    text = PARTS.replace("repository: Repository | None = None", parameter).replace("= repository", f"= {name}")
    shop.write("shop/parts.py", "    from typing import Any\n" + text)
    shop.write("shop/di.py", factory("return Service(None)"))
    judged = shop.run(stage="wiring")
    assert (judged.status, red(judged)) == ("fail", ["Service._repository"])


def test_stand_in_of_a_factory_is_red(shop):
    shop.write("shop/di.py", factory("return Service(InMemoryRepository())"))
    judged = shop.run(stage="wiring")
    assert (judged.status, red(judged)) == ("fail", ["Service._repository"])
    assert "InMemoryRepository" in judged.verdict("unwired").reason


def test_mock_of_a_factory_is_red(shop):
    shop.write("shop/di.py", "from unittest.mock import Mock\n" + factory("return Service(Mock())"))
    assert red(shop.run(stage="wiring")) == ["Service._repository"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("return Service(SqlRepository())", []),
        ("yield Service(SqlRepository())", []),
        ("return Service()", ["POST /rows post_row(service)._repository"]),
        ("yield Service()", ["POST /rows post_row(service)._repository"]),
        ("return None", ["POST /rows post_row(service)"]),
    ],
)
def test_dependency_of_a_route_is_built_and_walked(shop, body, wrong):
    shop.write("shop/api.py", FASTAPI.format(body))
    judged = shop.run(stage="wiring", discover=False, factories=["shop.api:app"])
    assert red(judged) == wrong, judged.log()
    assert judged.status == ("fail" if wrong else "pass")
    assert any("service_of" in left for left in walk_of(judged).left)


def test_service_that_starts_with_the_application_is_walked(shop):
    lifespan = """
    import contextlib

    @contextlib.asynccontextmanager
    async def lifespan(app):
        app.state.service = Service()
        yield

    app = FastAPI(lifespan=lifespan)
"""
    text = FASTAPI.format("return Service(SqlRepository())").replace("\n    app = FastAPI()\n", lifespan)
    shop.write("shop/api.py", text)
    judged = shop.run(stage="wiring", discover=False, factories=["shop.api:app"])
    assert red(judged) == ["GET /rows get_rows(service)._repository"], judged.log()


@pytest.mark.parametrize(
    ("provider", "given", "wrong"),
    [
        ("providers.Singleton(SqlRepository)", "repository=repository", []),
        ("providers.Singleton(SqlRepository)", "repository", []),
        ("providers.Singleton(SqlRepository)", "", ["Container.service._repository"]),
        ("providers.Object(None)", "repository=repository", ["Container.service._repository"]),
        ("providers.Object(None)", "repository", ["Container.service._repository"]),
        ("providers.Singleton(InMemoryRepository)", "repository", ["Container.service._repository"]),
        ("providers.Singleton(SqlRepository)", "repository=None", ["Container.service._repository"]),
    ],
)
def test_container_is_read_and_nothing_is_built(shop, provider, given, wrong):
    shop.write("shop/containers.py", CONTAINER.format(provider, given))
    judged = shop.run(stage="wiring")
    assert red(judged) == wrong, judged.log()
    assert judged.ids == {"wiring::shop.containers:Container"}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (", service=Service(SqlRepository())", []),
        (", service=Service()", ["Rows.service._repository"]),
        ("", ["Rows.service"]),
    ],
)
def test_views_of_flask_are_walked(shop, given, wrong):
    shop.write("shop/web.py", FLASK.replace('"rows"{}', f'"rows"{given}'))
    judged = shop.run(stage="wiring")
    assert red(judged) == wrong, judged.log()


def test_routes_of_routers_and_of_mounted_applications_are_walked(shop):
    text = """
    from fastapi import APIRouter, Depends, FastAPI
    from shop.parts import Service, SqlRepository

    def first() -> Service: return Service()
    def second() -> Service: return Service()
    class Third(Service):
        def __init__(self):
            super().__init__()

    router, inner, app = APIRouter(prefix="/a"), FastAPI(), FastAPI()

    @router.get("/")
    def by_router(service: Service = Depends(first)): ...

    @inner.get("/")
    def by_mount(one: Service = Depends(second), two: Third = Depends()): ...

    app.include_router(router, prefix="/v1")
    app.mount("/b", inner)
"""
    shop.write("shop/api.py", text)
    judged = shop.run(stage="wiring", discover=False, factories=["shop.api:app"])
    assert sorted(red(judged), reverse=True) == [
        "GET /v1/a/ by_router(service)._repository",
        "GET /b/ by_mount(two)._repository",
        "GET /b/ by_mount(one)._repository",
    ], judged.log()
