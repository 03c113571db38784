"""The HTTP interface: `python -m ledger.api`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field

from ledger import factory
from ledger.domain import InvalidOperation, Operation
from ledger.service import OperationsService
from ledger.settings import Settings, from_environment


class OperationIn(BaseModel):
    """A request to move money."""

    id: str = Field(min_length=1, max_length=64)
    account: str = Field(min_length=1, max_length=64)
    kind: str
    amount_cents: int


class OperationOut(BaseModel):
    """An operation and what became of it."""

    id: str
    account: str
    kind: str
    amount_cents: int
    state: str

    @classmethod
    def of(cls, operation: Operation) -> OperationOut:
        """Return the answer for an operation."""
        return cls(**{name: getattr(operation, name) for name in cls.model_fields})


class BalanceOut(BaseModel):
    """A balance."""

    account: str
    balance_cents: int


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def service_of(request: Request) -> OperationsService:
    """Return the service of the running application."""
    return request.app.state.service


Service = Annotated[OperationsService, Depends(service_of)]


def create_app(lifespan: Lifespan | None = None) -> FastAPI:
    """Return the application; `lifespan` opens and closes what is behind it."""
    app = FastAPI(title="ledger", lifespan=lifespan)

    @app.post("/operations", status_code=202)
    async def post_operation(body: OperationIn, service: Service) -> OperationOut:
        try:
            operation = await service.request(body.id, body.account, body.kind, body.amount_cents)
        except InvalidOperation as error:
            raise HTTPException(422, str(error)) from None
        return OperationOut.of(operation)

    @app.get("/operations/{operation_id}")
    async def get_operation(operation_id: str, service: Service) -> OperationOut:
        operation = await service.find(operation_id)
        if operation is None:
            raise HTTPException(404, "no such operation, or not applied yet")
        return OperationOut.of(operation)

    @app.get("/accounts/{account}/balance")
    async def get_balance(account: str, service: Service) -> BalanceOut:
        balance = await service.balance(account)
        if balance is None:
            raise HTTPException(404, "no such account")
        return BalanceOut(account=account, balance_cents=balance)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz(request: Request, response: Response) -> dict[str, str]:
        try:
            await request.app.state.ready()
        except (
            Exception
        ) as error:  # any store's failure means not ready; the caller needs the name, not a trace
            response.status_code = 503
            return {"status": "not ready", "reason": type(error).__name__}
        return {"status": "ready"}

    return app


def lifespan_of(settings: Settings) -> Lifespan:
    """Return a lifespan that opens the real application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        application = await factory.open_application(settings)
        app.state.service, app.state.ready = application.service, application.ready
        yield
        await application.close()

    return lifespan


def main() -> None:
    """Serve until SIGTERM."""
    settings = from_environment()
    app = create_app(lifespan_of(settings))
    uvicorn.run(app, host=settings.http_host, port=settings.http_port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
