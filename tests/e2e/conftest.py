"""One server for most tests; tests that stop it, reload it or move its clock start their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.service import Service, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("shop")) as started:
        yield started


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path / "shop") as started:
        yield started


@pytest.fixture
def nothing_held(service: Service) -> Iterator[Callable[[], None]]:
    """Checks, at the end and on demand, that no unit of stock has moved since the beginning."""
    before = (service.reserved_units(), service.world.ledger.version())

    def check() -> None:
        assert (service.reserved_units(), service.world.ledger.version()) == before

    yield check
    check()
