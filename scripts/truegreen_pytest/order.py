"""In which order the tests run: shuffled by a seed, or one exact list of them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = "TRUEGREEN_SEED"
"""Seed of a random order, a whole number; empty or absent leaves the order as it is."""
ONLY = "TRUEGREEN_ONLY"
"""File with the tests of this session, as JSON: `ids`, and `ordered` when their order is the one to run in."""
PROPERTY = "truegreen.nodeid"


class Order:
    """Shuffles directories, modules, classes and tests, each inside its own, so that no wide fixture is torn apart.

    An item's place follows from the seed and its own name alone. So a seed means one order in every process: in all
    workers of pytest-xdist, in a rerun, and for every part of the tests.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seed = os.environ.get(SEED, "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Shuffle before everybody else: what groups or orders tests on purpose comes after, and is kept."""
        if self._seed and not _shuffler(self._config.option):
            known: dict[str, bytes] = {}
            items.sort(key=lambda item: _key(self._seed, item, known))

    def record(self) -> dict[str, str]:
        """Return who ordered the tests, by which seed, and Python's own seed of hashes."""
        option = self._config.option
        shuffler = _shuffler(option)
        if shuffler == "pytest-randomly":
            seed = str(getattr(option, "randomly_seed", ""))
        elif shuffler:
            seed = str(getattr(option, "random_order_seed", "")).removeprefix("default:")
        else:
            seed = self._seed
        order = shuffler or ("random" if self._seed else "as-written")
        return {"order": order, "seed": seed, "hash_seed": os.environ.get("PYTHONHASHSEED", "")}


class Only:
    """Keeps the tests of a list, and calls all others deselected."""

    def __init__(self, config: pytest.Config, path: str) -> None:
        self._config = config
        given: Mapping[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        self._places = {name: number for number, name in enumerate(given["ids"])}
        self._ordered = bool(given.get("ordered"))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Order after everybody else."""
        kept = [item for item in items if identity(item) in self._places]
        left = [item for item in items if identity(item) not in self._places]
        if self._ordered:
            kept.sort(key=lambda item: self._places[identity(item)])
        items[:] = kept
        if left:
            self._config.hook.pytest_deselected(items=left)


def hand_over(option: Any) -> None:
    """Give the seed to a plugin of the project that shuffles by itself, unless it was given one."""
    seed = os.environ.get(SEED, "")
    if not seed:
        return
    if getattr(option, "randomly_seed", None) in ("default", "last"):
        option.randomly_seed = int(seed)
    if _shuffler(option) == "pytest-random-order" and str(option.random_order_seed).startswith("default:"):
        option.random_order_seed = seed


def identity(owner: Any) -> str:
    """Return the exact id of a test; pytest-xdist adds a group to `nodeid` with `--dist loadgroup`."""
    return next((str(value) for key, value in owner.user_properties if key == PROPERTY), str(owner.nodeid))


def _shuffler(option: Any) -> str:
    """Return the plugin that shuffles the tests already; empty when the order is ours to choose."""
    if getattr(option, "randomly_reorganize", False):
        return "pytest-randomly"
    chosen = (str(getattr(option, f"random_order_{name}", "default:")) for name in ("bucket", "seed"))
    if getattr(option, "random_order_enabled", False) or not all(text.startswith("default:") for text in chosen):
        return "pytest-random-order"
    return ""


def _key(seed: str, item: pytest.Item, known: dict[str, bytes]) -> list[bytes]:
    """Return a key that is random from seed to seed; items with a common parent share its beginning.

    Digests of parents are kept in `known`, for each has many items.
    """
    *parents, _ = item.listchain()
    key = []
    for node in parents[1:]:
        name = f"{type(node).__name__} {node.nodeid}"
        if name not in known:
            known[name] = _digest(seed, name)
        key.append(known[name])
    return [*key, _digest(seed, identity(item))]


def _digest(seed: str, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{name}".encode(errors="surrogatepass"), digest_size=8).digest()
