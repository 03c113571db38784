"""A small ledger: operations come in over HTTP, a worker applies them, balances are cached."""
