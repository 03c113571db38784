"""What an operation is, and how it changes a balance; pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

import jsonschema

Kind = Literal["credit", "debit"]
State = Literal["pending", "applied", "rejected"]
KINDS: tuple[str, ...] = get_args(Kind)
MAX_AMOUNT_CENTS = 1_000_000_00


class InvalidOperation(ValueError):
    """The operation breaks a rule of the domain."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One movement of money on one account; amounts are whole cents."""

    id: str
    account: str
    kind: Kind
    amount_cents: int
    state: State = "pending"

    def signed_cents(self) -> int:
        """Return the effect on the balance once applied."""
        return self.amount_cents if self.kind == "credit" else -self.amount_cents


def new_operation(id: str, account: str, kind: str, amount_cents: int) -> Operation:  # noqa: A002
    """Return a pending operation, or raise InvalidOperation."""
    if not id or not account:
        raise InvalidOperation("an operation needs an id and an account")
    if kind not in KINDS:
        raise InvalidOperation(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if not 0 < amount_cents <= MAX_AMOUNT_CENTS:
        raise InvalidOperation(f"amount must lie between 1 and {MAX_AMOUNT_CENTS} cents, not {amount_cents}")
    return Operation(id=id, account=account, kind=kind, amount_cents=amount_cents)  # type: ignore[arg-type]


def decide(operation: Operation, balance_cents: int) -> Operation:
    """Return the operation as applied, or as rejected when it would overdraw the account."""
    overdraws = balance_cents + operation.signed_cents() < 0
    return replace(operation, state="rejected" if overdraws else "applied")


def balance_of(operations: list[Operation]) -> int:
    """Return the balance that the applied operations add up to."""
    return sum(op.signed_cents() for op in operations if op.state == "applied")


@cache
def event_schema() -> dict[str, Any]:
    """Return the JSON Schema of the event `operation.requested`."""
    text = resources.files("ledger").joinpath("operation_requested.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def to_event(operation: Operation) -> bytes:
    """Return the event that asks the worker to apply an operation."""
    body = {key: value for key, value in asdict(operation).items() if key != "state"}
    return json.dumps({"type": "operation.requested", "version": 1, "operation": body}).encode()


def from_event(data: bytes) -> Operation:
    """Return the operation of an event; raises InvalidOperation for anything the schema refuses."""
    try:
        event = json.loads(data)
        jsonschema.validate(event, event_schema())
    except (ValueError, jsonschema.ValidationError) as error:
        raise InvalidOperation(f"not an operation.requested event: {str(error).splitlines()[0]}") from None
    return new_operation(**event["operation"])
