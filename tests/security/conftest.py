"""A server with TLS, tokens and client certificates, and callers of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.api.sourcing.v1 import (
    node_pb2_grpc,
    reservation_pb2_grpc,
    sourcing_pb2_grpc,
    stock_pb2_grpc,
)
from server.app import App, Serving
from server.config import load_config
from server.opening import open_gate, open_world, read_inputs
from server.rules_watch import RulesWatch
from tests.e2e.files import NODE_ROWS, write_shop
from tests.e2e.service import ManualClock
from tests.security.authority import Authority, Issuer, Pair, write_pair

NODES = (
    NODE_ROWS.replace("safety_stock_units\n", "safety_stock_units,labels\n")
    .replace("100,0\n", "100,0,paris\n")
    .replace("200,2\n", "200,2,north\n")
    .replace("300,0\n", "300,0,\n")
)
SECURITY = """
security:
  tls: {certificate: server.pem, key: server.key, client_ca: CLIENTS}
  tokens: {key: tokens.pem, algorithms: [ES256], issuer: shop, audience: sourcier, leeway_seconds: 0}
  clients: {wms: [warehouse]}
  roles:
    - {id: shop, allow: [source, promise]}
    - {id: till, allow: [source, reserve, resolve, read]}
    - {id: warehouse, allow: [stock, nodes, read]}
    - {id: paris, allow: [stock, nodes], nodes: [paris]}
    - {id: paris-till, allow: [reserve], nodes: [paris]}
    - {id: looker, allow: [StockService/GetAvailability]}
    - {id: slow-asker, allow: [source], calls_per_second: 0.001, burst: 1}
    - {id: slow, allow: [read], calls_per_second: 0.001, burst: 2}
audit: {path: audit.jsonl}
"""


@dataclass
class Guarded:
    """The server and its authorities."""

    app: App
    folder: Path
    authority: Authority
    issuer: Issuer
    rules: RulesWatch
    channels: list[grpc.Channel] = field(default_factory=list)

    def channel(self, token: str = "", pair: Pair | None = None, ca: bytes | None = None) -> grpc.Channel:
        """A connection of its own."""
        credentials = grpc.ssl_channel_credentials(
            ca or self.authority.certificate, pair and pair.key, pair and pair.certificate
        )
        if token:
            bearer = grpc.access_token_call_credentials(token)
            credentials = grpc.composite_channel_credentials(credentials, bearer)
        options = [("grpc.use_local_subchannel_pool", 1)]
        made = grpc.secure_channel(f"localhost:{self.app.port}", credentials, options)
        self.channels.append(made)
        return made

    def stock(self, *roles: str, pair: Pair | None = None, **claims: Any) -> Any:
        return stock_pb2_grpc.StockServiceStub(self._of(roles, pair, claims))

    def sourcing(self, *roles: str, **claims: Any) -> Any:
        return sourcing_pb2_grpc.SourcingServiceStub(self._of(roles, None, claims))

    def reservations(self, *roles: str, **claims: Any) -> Any:
        return reservation_pb2_grpc.ReservationServiceStub(self._of(roles, None, claims))

    def nodes(self, *roles: str, **claims: Any) -> Any:
        return node_pb2_grpc.NodeServiceStub(self._of(roles, None, claims))

    def _of(self, roles: tuple[str, ...], pair: Pair | None, claims: dict[str, Any]) -> grpc.Channel:
        return self.channel(self.issuer.token(*roles, **claims) if roles or claims else "", pair)


@contextmanager
def guarded(folder: Path, *, mutual: bool = False, expired: bool = False) -> Iterator[Guarded]:
    """mutual: clients need certificates. expired: the server's own is."""
    path = write_shop(folder, nodes=NODES, address="localhost:0")
    text = SECURITY.replace(", client_ca: CLIENTS", ", client_ca: ca.pem" if mutual else "")
    if not mutual:
        text = text.replace("  clients: {wms: [warehouse]}\n", "")
    path.write_text(path.read_text() + text)
    authority, issuer = Authority(), Issuer()
    write_pair(folder, "server", authority.signed("server", expired=expired))
    (folder / "ca.pem").write_bytes(authority.certificate)
    (folder / "tokens.pem").write_bytes(issuer.public_pem)
    config, clock = load_config(path, environ={}), ManualClock()
    world = open_world(config, read_inputs(config, clock()), clock)
    gate = open_gate(config, clock)
    rules = RulesWatch(config.rules, world, gate.note_rules)
    app = App(world, Serving.of(config), rules, gate=gate)
    app.start()
    made = Guarded(app, folder, authority, issuer, rules)
    try:
        yield made
    finally:
        for channel in made.channels:
            channel.close()
        app.stop()
        gate.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("guarded") / "shop") as made:
        yield made


@pytest.fixture
def own_server(tmp_path: Path) -> Callable[..., Any]:
    return lambda **how: guarded(tmp_path / "shop", **how)
