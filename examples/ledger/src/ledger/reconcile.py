"""Recompute balances from operations: `python -m ledger.reconcile ACCOUNT…`."""

from __future__ import annotations

import asyncio
import sys

from ledger import factory
from ledger.service import OperationsService
from ledger.settings import from_environment


async def reconcile_all(service: OperationsService, accounts: list[str]) -> dict[str, int]:
    """Return account to corrected balance."""
    return {account: await service.reconcile(account) for account in accounts}


async def run(accounts: list[str]) -> dict[str, int]:
    """Reconcile against the real stores."""
    application = await factory.open_application(from_environment())
    try:
        return await reconcile_all(application.service, accounts)
    finally:
        await application.close()


def main() -> None:
    """Reconcile the accounts named on the command line."""
    for account, balance in asyncio.run(run(sys.argv[1:])).items():
        print(f"{account} {balance}")


if __name__ == "__main__":
    main()
