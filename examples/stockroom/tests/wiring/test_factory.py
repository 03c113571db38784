"""The factory builds what it promises; no server is needed to see that."""

import pytest

from stockroom import factory
from stockroom.repository import DatabaseAudit, DatabaseStock

pytestmark = pytest.mark.wiring


@pytest.mark.parametrize(("dependency", "kind"), [("_stock", DatabaseStock), ("_audit", DatabaseAudit)])
def test_factory_wires_the_dependency(dependency, kind):
    assert isinstance(getattr(factory.get_stock_service(), dependency), kind)
