"""RankReturnNodes over gRPC, and the command ``sourcier returns``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from typer.testing import CliRunner, Result

from server.api.sourcing.v1 import returns_pb2, returns_pb2_grpc
from server.cli import Exit, app
from tests.e2e import files
from tests.e2e.service import PARIS, START_SECONDS, Service, failure, order, paths, running

ROOT = Path(__file__).parents[2]
NETWORK = """\
  - id: back
    direction: return
    lanes:
      - {transit_hours: 48, tariff: parcel}
"""
COLUMNS = {
    "node_id": ",return_methods,reconditions,return_unit_cents,recondition_unit_cents",
    "store-paris": ",DROP_OFF,,150,0",
    "store-lille": ",DROP_OFF;PARCEL,,150,0",
    "dc-lyon": ",PARCEL,*,30,200",
}
RULES = """\
    returns:
      eligibility:
        - {kind: accept_returns, name: repairs, conditions: [DEFECTIVE], nodes: {ids: [dc-lyon]}}
      objectives:
        - {kind: return_shipping}
        - {kind: transfer, weight: 0.5}
        - {kind: return_handling}
        - {kind: reconditioning}
        - {kind: worth, conditions: [NEW], percent: 80}
        - {kind: worth, percent: 20, reconditioned_percent: 60}
        - {kind: follow_source, cents: 100}
        - {kind: split, cents: 75}
"""


def write(folder: Path) -> None:
    """The shop of the other tests, that also takes goods back."""
    (folder / "network.yaml").write_text(files.NETWORK + NETWORK)
    rows = files.NODE_ROWS.replace(",standard,", ",standard;back,").splitlines()
    (folder / "nodes.csv").write_text("".join(f"{row}{COLUMNS[row.partition(',')[0]]}\n" for row in rows))
    first, rest = files.RULES.split("  - id: whatever-there-is\n")
    (folder / "rules.yaml").write_text(f"{first}{RULES}  - id: whatever-there-is\n{rest}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    patched = pytest.MonkeyPatch()
    original = files.write_shop

    def write_shop(folder: Path, **more: str) -> Path:
        config = original(folder, **more)
        write(folder)
        return config

    patched.setattr("tests.e2e.service.write_shop", write_shop)
    with running(tmp_path_factory.mktemp("returns")) as started:
        yield started
    patched.undo()


def rank(service: Service, request: returns_pb2.RankReturnNodesRequest) -> Any:
    return returns_pb2_grpc.ReturnsServiceStub(service.channel).RankReturnNodes(request)


def item(sku: str, units: int = 1, line: str = "1", **more: Any) -> returns_pb2.ReturnItem:
    return returns_pb2.ReturnItem(line_id=line, sku_id=sku, quantity=units, **more)


def request(*items: returns_pb2.ReturnItem, **more: Any) -> returns_pb2.RankReturnNodesRequest:
    place = {} if "drop_off_node_id" in more else {"from_place": returns_pb2.ReturnPlace(**PARIS)}
    return returns_pb2.RankReturnNodesRequest(items=items, **place, **more)


def test_a_ranking_with_every_part_of_its_cost(shop: Service) -> None:
    """Paris: 150 - 2,000. Lyon: 250 for the transfer of 1 kg, 150 + 30 for handling, and the worth; by parcel
    500 and 30."""
    answer = rank(shop, request(item(shop.sku())))
    assert [plan.parts[0].node_id for plan in answer.plans] == ["store-paris", "dc-lyon", "store-lille"]
    assert [plan.cost.total_cents for plan in answer.plans] == [-1850, -1570, -1450]
    part = answer.plans[0].parts[0]
    assert part.method == returns_pb2.RETURN_METHOD_DROP_OFF
    assert (part.drop_off_node_id, part.service_id, part.parcel_count) == ("store-paris", "", 0)
    assert part.arrival_time.seconds == START_SECONDS
    part = answer.plans[1].parts[0]
    assert part.method == returns_pb2.RETURN_METHOD_DROP_OFF_TRANSFER
    assert (part.drop_off_node_id, part.service_id, part.parcel_count) == ("store-paris", "back", 1)
    assert part.arrival_time.seconds == START_SECONDS + 48 * 3600
    assert (part.cost.transfer_cents, part.cost.return_handling_cents) == (250, 180)
    assert part.cost.worth_cents == 2000
    assert answer.rules_hash == shop.world.snapshot.rules_hash
    assert answer.stock_version == shop.world.snapshot.stock.version
    assert answer.engine_version
    assert not answer.unplaced
    assert not answer.refunds


def test_defective_goods_go_where_they_are_repaired(shop: Service) -> None:
    defective = item(shop.sku(), 2, condition=returns_pb2.RETURN_CONDITION_DEFECTIVE)
    [plan] = rank(shop, request(defective, drop_off_node_id="store-lille")).plans
    [part] = plan.parts
    assert (part.node_id, part.drop_off_node_id) == ("dc-lyon", "store-lille")
    [units] = part.units
    assert units.reconditioned
    assert (plan.cost.reconditioning_cents, plan.cost.worth_cents) == (400, 3000)
    heavy = rank(shop, request(defective, drop_off_node_id="dc-lyon"))
    assert not heavy.plans
    assert {n.node_id for n in heavy.unplaced[0].nodes} == set(files.NODES)
    reasons = {r.reason: r for n in heavy.unplaced[0].nodes for r in n.rejections}
    assert set(reasons) == {"NO_RETURNS", "ACCEPT_RETURNS"}
    assert reasons["ACCEPT_RETURNS"].rule_name == "repairs"


def test_a_refund_follows_the_original_decision(shop: Service) -> None:
    """Seven of ten units come back, then the other three: all of the carriage."""
    sku = shop.sku(paris=10)
    sent = shop.quote(order((sku, 10)))
    whole = {s.node_id: s.cost.shipping_cents for s in sent.decision.plan.shipments}
    [refund] = rank(shop, request(item(sku, 7), decision_id=sent.decision.decision_id)).refunds
    assert (refund.node_id, refund.service_id, refund.quantity) == ("store-paris", "standard", 7)
    assert (refund.unit_value_cents, refund.goods_cents) == (2500, 17500)
    assert refund.shipping_cents == whole["store-paris"] * 7 // 10
    rest = request(item(sku, 3, returned_before=7), decision_id=sent.decision.decision_id)
    [last] = rank(shop, rest).refunds
    assert refund.shipping_cents + last.shipping_cents == whole["store-paris"]


def test_units_of_a_held_order_may_follow_their_nodes(shop: Service) -> None:
    """A divided line: each node's units are looked at by themselves, also when the plan is sent along."""
    sku = shop.sku(paris=6, lille=7, lyon=0)
    held = shop.reserve(order((sku, 9)))
    shipments = held.decision.plan.shipments
    assert len(shipments) == 2
    by_id = request(item(sku, 9), decision_id=held.decision.decision_id)
    answer = rank(shop, by_id)
    assert [(r.node_id, r.quantity) for r in answer.refunds] == [
        (s.node_id, s.picks[0].quantity) for s in shipments
    ]
    plan = returns_pb2.OriginalPlan()
    for shipment in shipments:
        told = plan.shipments.add(
            node_id=shipment.node_id,
            service_id=shipment.service_id,
            shipping_cents=shipment.cost.shipping_cents,
        )
        for pick in shipment.picks:
            told.picks.add(line_id=pick.line_id, sku_id=pick.sku_id, quantity=pick.quantity)
    again = rank(shop, request(item(sku, 9), original_plan=plan))
    assert (again.plans, again.refunds) == (answer.plans, answer.refunds)
    sources = {u.original_node_id for part in answer.plans[0].parts for u in part.units}
    assert sources == {"store-lille", "store-paris"}


def test_bad_input_names_the_field(shop: Service) -> None:
    sku = shop.sku()
    wrong = returns_pb2.RankReturnNodesRequest(items=[item(sku, 0, condition=9)], max_plans=99)  # type: ignore[arg-type]
    found = failure(lambda: rank(shop, wrong))
    assert found.code == grpc.StatusCode.INVALID_ARGUMENT
    assert paths(found) == ["items[0].condition", "items[0].quantity", "from_place", "max_plans"]
    for bad, path in (
        (request(item(sku), original_plan=returns_pb2.OriginalPlan()), "original_plan.shipments"),
        (request(item(sku), decision_id=""), "decision_id"),
        (request(item(sku), sourcing_profile="whatever-there-is"), "sourcing_profile"),
        (request(item(sku), drop_off_node_id="nowhere"), "drop_off_node_id"),
        (
            returns_pb2.RankReturnNodesRequest(
                items=[item(sku)], from_place=returns_pb2.ReturnPlace(country_code="FR", latitude=1.0)
            ),
            "from_place.longitude",
        ),
    ):
        assert paths(failure(lambda bad=bad: rank(shop, bad))) == [path]
    unknown = failure(lambda: rank(shop, request(item(sku), decision_id="nobody")))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


def test_orders_never_travel_by_a_return_service(shop: Service) -> None:
    sku = shop.sku()
    answer = shop.quote(order((sku, 1)), explain=True)
    line = answer.explanation.lines[0]
    assert {candidate.service_id for candidate in line.candidates} == {"standard"}
    assert shop.world.snapshot.compiled.service_ids == ("standard",)


def test_the_service_is_reflected(shop: Service) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(shop.channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    [answer] = stub.ServerReflectionInfo(iter([asked]))
    names = [service.name for service in answer.list_services_response.service]
    assert "sourcing.v1.ReturnsService" in names


# The command


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example shop."""
    shutil.copytree(ROOT / "examples/shop", tmp_path / "shop", ignore=shutil.ignore_patterns("*.db*"))
    return tmp_path / "shop"


def test_the_example_is_ranked(example: Path) -> None:
    config = example / "sourcier.yaml"
    result = run("returns", example / "return.json", "--config", config)
    assert result.exit_code == Exit.OK, result.output
    for word in ("PLACED", "dc-orleans", "dropped off at store-paris", "reconditioned", "Ranking", "worth"):
        assert word in result.stdout
    result = run("returns", example / "return.json", "--config", config, "--output", "json")
    answer = json_format.Parse(result.stdout, returns_pb2.RankReturnNodesResponse())
    assert len(answer.plans) == 3
    assert result.stderr == ""


def test_a_running_server_gives_the_same_answer(shop: Service) -> None:
    text = json_format.MessageToJson(request(item(shop.sku())))
    result = run("returns", "-", "--target", shop.target, "--output", "json", stdin=text)
    assert result.exit_code == Exit.OK, result.output
    answer = json_format.Parse(result.stdout, returns_pb2.RankReturnNodesResponse())
    assert answer.plans[0].parts[0].node_id == "store-paris"


def test_what_nobody_accepts_and_refunds_are_shown(example: Path) -> None:
    document = json.loads((example / "return.json").read_text())
    document["items"] = [{"lineId": "1", "skuId": "kayak", "quantity": 1}]
    document["fromPlace"] |= {"latitude": 43.3, "longitude": 5.4}
    pick = {"lineId": "1", "skuId": "kayak", "quantity": 1}
    document["originalPlan"] = {
        "shipments": [{"nodeId": "dc-orleans", "picks": [pick], "shippingCents": "4900"}]
    }
    result = run("returns", "-", "--config", example / "sourcier.yaml", stdin=json.dumps(document))
    assert result.exit_code == Exit.UNSOURCEABLE, result.output
    for word in ("NO NODE ACCEPTS THIS", "refuses bulky", "DROP_OFF_DISTANCE", "699.00", "49.00"):
        assert word in result.stdout


def test_mistakes_are_told_by_the_names_of_the_file(example: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"items": [{"line_id": "1", "sku_id": "x", "quantity": 1}], "dropOffNodeId": "y"}')
    result = run("returns", path, "--config", example / "sourcier.yaml")
    assert result.exit_code == Exit.BAD_INPUT
    assert f"{path}: items[0].sku_id: unknown SKU 'x'" in result.stderr
    assert f"{path}: dropOffNodeId: unknown node 'y'" in result.stderr
    for text, said in (("[]", "must be a JSON object: a RankReturnNodesRequest"), ('{"x": 1}', "x")):
        path.write_text(text)
        result = run("returns", path, "--config", example / "sourcier.yaml")
        assert (result.exit_code, said in result.stderr) == (Exit.BAD_INPUT, True)
