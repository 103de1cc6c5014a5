"""The command ``sourcier``: in this process, against a server, and as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from server.api.sourcing.v1 import sourcing_pb2, stock_pb2
from server.cli import app
from server.exits import EXIT_OF_CODE, Exit
from tests.e2e.files import BAD_RULES, write_shop
from tests.e2e.service import Service, order

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of a shop with a ledger of its own."""
    return write_shop(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def order_file(tmp_path: Path) -> Iterator[Any]:
    def write(content: object) -> str:
        path = tmp_path / "order.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write


def plain(asked: sourcing_pb2.Order) -> dict[str, Any]:
    """An order as JSON data."""
    return dict(json_format.MessageToDict(asked))


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)


def response_of(result: Result) -> sourcing_pb2.SourceOrderResponse:
    """The standard output must be one JSON message and nothing else."""
    return json_format.Parse(result.stdout, sourcing_pb2.SourceOrderResponse())


def test_source_prints_a_plan(shop: Path, order_file: Any) -> None:
    path = order_file(plain(order(("sku-001", 2), order_id="A-1")))
    result = run("source", path, "--config", shop)
    assert result.exit_code == Exit.OK, result.output
    for word in ("SOURCED", "A-1", "store-paris", "2 x sku-001", "6.00", "no cheaper plan exists"):
        assert word in result.stdout
    assert "held as" not in result.stdout


def test_source_as_json_is_one_message(shop: Path, order_file: Any) -> None:
    result = run("source", order_file(plain(order(("sku-001", 2)))), "--config", shop, "--output", "json")
    assert result.exit_code == Exit.OK
    assert response_of(result).decision.plan.cost.total_cents == 600
    assert result.stderr == ""


def test_reserve_holds_and_a_quote_does_not(shop: Path, order_file: Any) -> None:
    path = order_file(plain(order(("sku-002", 2))))
    available = []
    for options in ([], ["--reserve"], []):
        result = run("source", path, "--config", shop, "--output", "json", *options)
        assert bool(response_of(result).reservation_id) == bool(options)
        shown = run("stock", "show", "sku-002", "--config", shop, "--output", "json")
        answer = json_format.Parse(shown.stdout, stock_pb2.GetAvailabilityResponse())
        available.append(answer.availabilities[2].available_to_promise)
    assert available == [10, 8, 8]
    assert "held as r-" in run("source", path, "--config", shop, "--reserve").stdout


def test_a_whole_request_keeps_its_request_id(shop: Path, order_file: Any) -> None:
    request = {"requestId": "the-request", "order": plain(order(("sku-003", 1))), "holdSeconds": "77"}
    path = order_file(request)
    first, again = (
        response_of(run("source", path, "--config", shop, "--reserve", "--output", "json")) for _ in range(2)
    )
    assert first == again
    assert first.reservation_id
    request["holdSeconds"] = "78"
    result = run("source", order_file(request), "--config", shop, "--reserve")
    assert result.exit_code == Exit.CONFLICT
    assert "the-request" in result.stderr


def test_an_order_may_come_from_stdin(shop: Path) -> None:
    text = json.dumps(plain(order(("sku-001", 1))))
    assert run("source", "-", "--config", shop, stdin=text).exit_code == Exit.OK


def test_unsourceable_has_its_own_exit_code(shop: Path, order_file: Any) -> None:
    path = order_file(plain(order(("sku-001", 500))))
    for command in ("source", "explain"):
        result = run(command, path, "--config", shop)
        assert result.exit_code == Exit.UNSOURCEABLE
        assert "UNSOURCEABLE" in result.stdout
        assert "500" in result.stdout
        assert result.stderr == ""


def test_explain_shows_everything(shop: Path, order_file: Any) -> None:
    path = order_file(plain(order(("sku-004", 9))))
    result = run("explain", path, "--config", shop)
    assert result.exit_code == Exit.OK, result.output
    for word in ("chosen", "alternative 1", "more than chosen", "Line 1: 9 x sku-004", "1 *", "Rejected"):
        assert word in result.stdout
    assert "INSUFFICIENT_STOCK" in result.stdout
    # Lille has 10 on hand, of which 2 are never offered.
    assert re.search(r"store-lille: 8\b", result.stdout)
    message = response_of(run("explain", path, "--config", shop, "--output", "json"))
    assert message.explanation.lines[0].rejected_count == 1
    assert message.decision.alternatives


def test_an_unsourceable_order_is_told_what_would_help(shop: Path, order_file: Any) -> None:
    far = order(("sku-005", 1))
    far.destination.latitude, far.destination.longitude = 43.0, 9.0
    far.destination.postal_code = "20200"
    rejected = run("explain", order_file(plain(far)), "--config", shop)
    assert rejected.exit_code in (Exit.OK, Exit.UNSOURCEABLE)
    assert "MAX_DISTANCE" in rejected.stdout
    assert "not-too-far" in rejected.stdout
    assert "600 km" in rejected.stdout


def test_rank_lists_nodes(shop: Path, order_file: Any) -> None:
    path = order_file(plain(order(("sku-006", 9))))
    result = run("rank", path, "--config", shop)
    assert result.exit_code == Exit.OK, result.output
    assert "cheapest" in result.stdout
    assert result.stdout.index("store-paris") < result.stdout.index("dc-lyon")
    assert "INSUFFICIENT_STOCK" not in result.stdout
    assert "INSUFFICIENT_STOCK" in run("rank", path, "--config", shop, "--rejected").stdout


WRONG_FILES = {
    "not JSON": ("{", r"order\.json:1:2: is not JSON"),
    "a list": ([], "must be a JSON object"),
    "unknown field": ({"orderIdd": "x"}, "orderIdd"),
    "wrong type": ({"lines": [{"quantity": "many"}]}, "quantity"),
    "not UTF-8": ('{"orderId": "\\ud800"}', "order.json"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_wrong_order_files(shop: Path, order_file: Any, name: str) -> None:
    content, expected = WRONG_FILES[name]
    result = run("source", order_file(content), "--config", shop)
    assert result.exit_code == Exit.BAD_INPUT
    assert re.search(expected, result.stderr), result.stderr
    assert result.stdout == ""


def test_errors_name_the_fields_of_the_file(shop: Path, order_file: Any, service: Service) -> None:
    wrong = order(("sku-001", 1), ("sku-001", 1))
    data = plain(wrong)
    data["lines"][1]["skuId"] = "what"
    data["lines"][0]["quantity"] = "-3"
    data["lines"][1]["line_id"] = data["lines"][1].pop("lineId")
    data["lines"][1]["line_id"] = "1"
    del data["destination"]["latitude"]
    for options in (["--config", shop], ["--target", service.target]):
        result = run("source", order_file(data), *options)
        assert result.exit_code == Exit.BAD_INPUT
        assert "order.json: destination.latitude: is missing" in result.stderr
        assert "order.json: lines[0].quantity: -3 is not within" in result.stderr
        assert "order.json: lines[1].line_id: '1' is used" in result.stderr
        whole = run("source", order_file({"order": data}), *options)
        assert "order.json: order.destination.latitude: is missing" in whole.stderr


def test_against_a_server(service: Service, order_file: Any) -> None:
    sku = service.sku()
    path = order_file(plain(order((sku, 1))))
    result = run("source", path, "--target", service.target, "--reserve", "--output", "json")
    assert response_of(result).reservation_id
    assert service.available(sku)["store-paris"] == 9
    assert sku in run("rank", path, "--target", service.target).stdout
    assert "alternative" in run("explain", path, "--target", service.target).stdout
    assert "store-lille" in run("stock", "show", sku, "--target", service.target).stdout
    unknown = run("stock", "show", "what", "--target", service.target)
    assert (unknown.exit_code, "sku_ids[0]" in unknown.stderr) == (Exit.BAD_INPUT, True)


def test_an_unreachable_server(order_file: Any) -> None:
    result = run("source", order_file(plain(order(("sku-001", 1)))), "--target", "127.0.0.1:1")
    assert result.exit_code == Exit.UNREACHABLE
    assert result.stderr.startswith("error: ")


def test_usage(shop: Path, order_file: Any) -> None:
    path = order_file(plain(order(("sku-001", 1))))
    both = run("source", path, "--config", shop, "--target", "x:1")
    assert both.exit_code == Exit.USAGE
    assert "not both" in both.stderr
    assert run("source").exit_code == Exit.USAGE
    assert run("no-such-command").exit_code == Exit.USAGE


def test_wrong_configs_and_ledgers(tmp_path: Path, order_file: Any) -> None:
    path = order_file(plain(order(("sku-001", 1))))
    missing = run("source", path, "--config", tmp_path / "none.yaml")
    assert missing.exit_code == Exit.BAD_INPUT
    config = write_shop(tmp_path / "shop")
    (tmp_path / "shop" / "nodes.csv").write_text("node_id\nx\n")
    wrong = run("source", path, "--config", config)
    assert (wrong.exit_code, "nodes.csv" in wrong.stderr) == (Exit.BAD_INPUT, True)
    write_shop(tmp_path / "shop")
    (tmp_path / "shop" / "ledger.db").write_text("not a ledger")
    foreign = run("source", path, "--config", config)
    assert (foreign.exit_code, "ledger.db" in foreign.stderr) == (Exit.LEDGER, True)


def test_rules_check_tells_every_mistake(shop: Path, tmp_path: Path) -> None:
    good = run("rules", "check", shop.parent / "rules.yaml", "--config", shop)
    assert (good.exit_code, "no mistakes" in good.stdout) == (Exit.OK, True)
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD_RULES.replace("km: 600", "km: -1"))
    result = run("rules", "check", bad)
    assert result.exit_code == Exit.BAD_INPUT
    lines = result.stderr.splitlines()
    assert len([line for line in lines if re.match(r"error: .*bad\.yaml:\d+:\d+ ", line)]) >= 3
    absent = tmp_path / "absent.yaml"
    good_text = (shop.parent / "rules.yaml").read_text()
    absent.write_text(
        good_text.replace(
            "- {kind: max_distance, name: not-too-far, km: 600}",
            "- {kind: exclude_nodes, name: n, nodes: {ids: [nowhere]}}",
        )
    )
    assert run("rules", "check", absent).exit_code == Exit.OK
    assert run("rules", "check", absent, "--config", shop).exit_code == Exit.BAD_INPUT


def test_stock_import(tmp_path: Path, service: Service) -> None:
    config = write_shop(tmp_path / "shop")
    feed = tmp_path / "feed.csv"
    feed.write_text(
        "sku_id,node_id,on_hand,safety_stock\nsku-001,store-paris,77,7\nnowhere-1,store-lille,5,\n"
    )
    result = run("stock", "import", feed, "--config", config)
    assert result.exit_code == Exit.OK, result.output
    assert "2 rows set" in result.stdout
    shown = run("stock", "show", "sku-001", "--config", config)
    assert re.search(r"store-paris +77 +0 +7 +70", shown.stdout)
    sku = service.sku()
    feed.write_text(f"sku_id,node_id,on_hand\n{sku},store-paris,33\n")
    assert run("stock", "import", feed, "--config", config, "--target", service.target).exit_code == Exit.OK
    assert service.available(sku)["store-paris"] == 33
    feed.write_text("sku_id,node_id,on_hand\nwhat,store-paris,1\nsku-001,store-paris,-1\n")
    wrong = run("stock", "import", feed, "--config", config)
    assert wrong.exit_code == Exit.BAD_INPUT
    assert "feed.csv:2 sku_id" in wrong.stderr
    assert "feed.csv:3 on_hand" in wrong.stderr
    assert re.search(r"store-paris +77", run("stock", "show", "sku-001", "--config", config).stdout)


@pytest.mark.parametrize("remote", [False, True])
def test_an_import_without_safety_stock_keeps_what_rows_have(
    tmp_path: Path, own_service: Service, remote: bool
) -> None:
    """A row that is new takes its node's: 2 in Lille."""
    config = write_shop(tmp_path / "shop")
    target = ["--target", own_service.target] if remote else []
    sku = own_service.sku()
    feed = tmp_path / "feed.csv"

    def safety(text: str) -> list[int]:
        feed.write_text(text)
        imported = run("stock", "import", feed, "--config", config, *target)
        assert imported.exit_code == Exit.OK, imported.output
        where = target or ["--config", config]
        shown = run("stock", "show", sku, *where, "--output", "json")
        answer = json_format.Parse(shown.stdout, stock_pb2.GetAvailabilityResponse())
        return [row.safety_stock for row in answer.availabilities]

    nodes = ("dc-lyon", "store-lille", "store-paris")
    stated = "\n".join(f"{sku},{node},50,9" for node in nodes)
    assert safety(f"sku_id,node_id,on_hand,safety_stock\n{stated}\n") == [9, 9, 9]
    assert safety(f"sku_id,node_id,on_hand\n{sku},store-paris,40\n{sku},store-lille,40\n") == [9, 9, 9]
    mixed = f"{sku},store-lille,40,\n{sku},dc-lyon,40,3\nnowhere-2,store-lille,40,\n"
    assert safety(f"sku_id,node_id,on_hand,safety_stock\n{mixed}") == [3, 9, 9]
    sku = "nowhere-2"
    assert safety(f"sku_id,node_id,on_hand\n{sku},store-lille,41\n") == [2]


def test_a_fault_of_the_program_has_its_own_exit_code(
    shop: Path, order_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.cli.decision_view", lambda response: 1 // 0)
    result = run("source", order_file(plain(order(("sku-001", 1)))), "--config", shop)
    assert result.exit_code == Exit.INTERNAL
    assert "ZeroDivisionError" in result.stderr


def test_the_documentation_has_every_exit_code() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    stated = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert stated == {value for name, value in vars(Exit).items() if name.isupper()}
    assert set(EXIT_OF_CODE.values()) <= stated


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_as_a_process(tmp_path: Path, number: signal.Signals) -> None:
    config = write_shop(tmp_path / "shop")
    process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "serve", "--config", str(config)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        seen: list[str] = []
        port = None
        for line in process.stderr:
            seen.append(line)
            if match := re.search(r"event=started port=(\d+) ", line):
                port = int(match[1])
                break
        assert port, "".join(seen)
        assert any("event=stock_imported" in line and "rows=1200" in line for line in seen)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            path = tmp_path / "order.json"
            path.write_text(json.dumps(plain(order(("sku-001", 1)))))
            answer = run("source", path, "--target", f"127.0.0.1:{port}", "--reserve", "--output", "json")
            assert response_of(answer).reservation_id
            channel.close()
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == 0
        assert "event=stopped" in rest
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
