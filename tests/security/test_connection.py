"""How commands and Python reach a server that wants to know who calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.api.sourcing.v1 import stock_pb2
from server.cli import app
from server.client import CallFailed, RemoteClient
from server.connection import CURRENT, Connection
from server.exits import Exit
from tests.e2e.files import sku_name
from tests.security.authority import write_pair
from tests.security.conftest import Guarded
from tests.security.test_calls import level


@pytest.fixture
def options(server: Guarded, tmp_path: Path) -> list[str]:
    """Those of somebody who may ask."""
    (tmp_path / "token").write_text(server.issuer.token("shop") + "\n")
    return ["--ca", str(server.folder / "ca.pem"), "--token-file", str(tmp_path / "token")]


def run(server: Guarded, options: list[str], *command: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*options, *command, "--target", f"localhost:{server.app.port}"])
    return done.exit_code, done.output


def test_every_command_takes_certificates_and_a_token(
    server: Guarded, options: list[str], tmp_path: Path
) -> None:
    order = tmp_path / "order.json"
    place = {"countryCode": "FR", "postalCode": "75011", "latitude": 48.8566, "longitude": 2.3522}
    lines = [{"lineId": "1", "skuId": sku_name(6), "quantity": 1}]
    order.write_text(json.dumps({"orderId": "o", "lines": lines, "destination": place}))
    for command in (
        ["stock", "show", sku_name(5)],
        ["source", str(order)],
        ["explain", str(order)],
        ["rank", str(order)],
        ["health"],
    ):
        code, told = run(server, options, *command)
        assert code == Exit.OK, told


def test_what_is_not_allowed_has_an_exit_code_of_its_own(
    server: Guarded, options: list[str], tmp_path: Path
) -> None:
    code, told = run(server, options, "node", "show", "dc-lyon")
    assert (code, "no role of 'anna'" in told) == (Exit.NOT_ALLOWED, True)
    code, told = run(server, options[:2], "node", "show", "dc-lyon")
    assert (code, "needs a bearer token" in told) == (Exit.NOT_ALLOWED, True)
    (tmp_path / "token").write_text(server.issuer.token("slow", sub="emil"))
    codes = [run(server, options, "node", "show", "dc-lyon")[0] for _ in range(3)]
    assert codes == [Exit.OK, Exit.OK, Exit.UNREACHABLE]


def test_a_certificate_of_ones_own(own_server: Any, tmp_path: Path) -> None:
    with own_server(mutual=True) as server:
        certificate, key = write_pair(tmp_path, "me", server.authority.signed("wms"))
        options = ["--ca", str(server.folder / "ca.pem"), "--cert", str(certificate), "--key", str(key)]
        assert run(server, options, "node", "show", "dc-lyon")[0] == Exit.OK
        assert run(server, options[:2], "health")[0] == Exit.UNREACHABLE
        assert run(server, options[:4], "health")[0] == Exit.BAD_INPUT


def test_options_come_before_the_environment(
    server: Guarded, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCIER_CA", "gone")
    assert run(server, options, "stock", "show", sku_name(5))[0] == Exit.OK
    assert run(server, [], "stock", "show", sku_name(5))[0] == Exit.BAD_INPUT


def test_python_goes_by_the_environment(
    server: Guarded, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Connection.of({"SOURCIER_CA": ""}) == Connection()
    monkeypatch.setenv("SOURCIER_CA", options[1])
    monkeypatch.setenv("SOURCIER_TOKEN_FILE", options[3])
    before = CURRENT.set(None)
    client = RemoteClient(f"localhost:{server.app.port}")
    CURRENT.reset(before)
    answer = client.availability(stock_pb2.GetAvailabilityRequest(sku_ids=["sku-005"]))
    assert len(answer.availabilities) == 3
    with pytest.raises(CallFailed) as refused:
        client.set_stock(level("dc-lyon"))
    assert refused.value.failure.reason == "PERMISSION_DENIED"
    client.close()
