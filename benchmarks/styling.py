"""What looking at 10,000 tests costs beside parsing them, which whoever reads Python has to do."""

from __future__ import annotations

import ast
import gc
import sys
import time
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES, TESTS = 200, 50
_HEAD = """import time
import pytest
from shop import Cart, price

@pytest.fixture
def cart_{file}():
    cart = Cart(currency="EUR")
    yield cart
    cart.close()
"""
_TEST = """
@pytest.mark.parametrize(("amount", "wanted"), [(1, 2.5), (2, 5.0)])
def test_price_of_{n}_items_is_their_sum(cart_{file}, amount, wanted):
    cart_{file}.add("apple", amount, at=price("apple", 2.5))
    total = cart_{file}.total(discount=0)
    assert total == wanted, f"{{total}} is not {{wanted}}"
"""


def per_suite() -> Iterator[measure.Row]:
    """Yield processor time of a scan of 10,000 test functions; limit 2.5 times that of parsing them."""
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.analysis import style  # noqa: PLC0415 - the helper's own packages are not those of other measurements

    texts = {
        f"tests/test_{file}.py": _HEAD.format(file=file) + "".join(_TEST.format(file=file, n=n) for n in range(TESTS))
        for file in range(FILES)
    }
    floor_s = min(_took(lambda: _parse(texts)) for _ in range(3))
    if (found := style.scan(texts, style.Choices())).tests != FILES * TESTS or found.remarks:
        raise measure.Broken(f"{found.tests} tests and {len(found.remarks)} remarks were seen")
    times_s = [_took(lambda: style.scan(texts, style.Choices())) for _ in range(3)]
    note = f"{FILES * TESTS:,} tests; {min(times_s) / floor_s:.1f} times ast.parse ({floor_s * 1000:.0f} ms)"
    yield measure.row("look at how tests are written", 2.5 * floor_s * 1000, times_s, note=note)


def _parse(texts: dict[str, str]) -> None:
    for text in texts.values():
        ast.parse(text)  # one tree at a time, as the scan does


def _took(work: Callable[[], object]) -> float:
    """Return processor seconds of some work."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start
