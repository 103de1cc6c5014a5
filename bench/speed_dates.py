"""(f) What dates cost: the same orders decided by the kernels alone, by deliveries, with receipts to wait
for, with busy days, and with prices for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle
from statistics import median
from typing import Any

import numpy as np

from bench.spec import BenchSpec, Report, Result, Sheet, interleaved, ratio_of
from bench.synthetic import NOW_SECONDS, make_orders, make_snapshot
from router.domain import CertificateKind, Decision, Delivery, Order
from router.network import LoadKind
from router.receipts import Receipts
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.sourcer import decide

DAY_SECONDS = 86_400
WAIT = {"supply": [{"kind": "receipts", "name": "wait", "max_days": 30}]}
WAITING = {"kind": "waiting", "cents_per_day": 2}
LOAD = {"kind": "node_load", "cents": 50, "from_percent": 50}
CAPACITY = 40


@dataclass(frozen=True, slots=True)
class Size:
    """orders: decided in a round by each."""

    nodes: int
    skus: int
    orders: int
    rounds: int
    lines: int = 3
    share: float = 0.3


FULL = Size(nodes=300, skus=1_000, orders=60, rounds=7)
SMOKE = Size(nodes=20, skus=20, orders=3, rounds=1)


def run(smoke: bool, report: Report) -> Result:
    """One table."""
    size = SMOKE if smoke else FULL
    plain = make_snapshot(nodes=size.nodes, skus=size.skus, share=size.share)
    orders = make_orders(plain, size.orders, size.lines)
    stated = [
        replace(order, deliveries=(Delivery(delivery_id="d", destination=order.destination),))
        for order in orders
    ]
    expecting = with_receipts(plain, changed(plain.rules, WAIT, WAITING))
    busy = with_days(plain, plain.rules)
    ways: dict[str, tuple[Snapshot, list[Order]]] = {
        "by the kernels alone": (plain, orders),
        "stating a delivery": (plain, stated),
        "with receipts to wait for": (expecting, orders),
        "with capacities, every third node full today": (busy, orders),
        "with a price for busy nodes": (with_days(plain, changed(plain.rules, {}, LOAD)), orders),
    }
    report("deciding")
    answers: dict[str, list[Decision]] = {name: [] for name in ways}
    calls = {name: (_calling(answers[name], *way), size.orders) for name, way in ways.items()}
    seconds = interleaved(calls, size.rounds)
    first = next(iter(ways))
    rows, figures = [], {}
    for name in ways:
        ratio, micros = ratio_of(seconds[name], seconds[first]), 1e6 * median(seconds[name])
        made = answers[name]
        exact = sum(d.certificate.kind is CertificateKind.EXACT for d in made) / len(made)
        later = sum(any(s.supply_seconds for s in d.plan.shipments) for d in made) / len(made)
        rows.append((name, f"{micros:,.0f}", f"{ratio:.1f}", f"{exact:.1%}", f"{later:.1%}"))
        figures[f"dates.{name}"] = ratio
    note = (
        f"{size.nodes} nodes, each stocking a SKU with probability {size.share}, {size.lines} lines an order"
    )
    headings = ("orders", "us an order", "times the first", "proven", "with a later part")
    sheet = Sheet(title="What dates cost", headings=headings, rows=rows, note=note)
    return Result(sheets=[sheet], figures=figures)


def _calling(answers: list[Decision], snapshot: Snapshot, orders: list[Order]) -> Callable[[], object]:
    """Decides the next order, in turn, at each call."""
    turn: Iterator[Order] = cycle(orders)

    def call() -> None:
        answers.append(decide(next(turn), snapshot, NOW_SECONDS))

    return call


def changed(rules: RuleSet, strategy: dict[str, Any], objective: dict[str, Any]) -> RuleSet:
    """With more in every strategy."""
    text = rules.model_dump(mode="json")
    for profile in text["profiles"]:
        for own in profile["strategies"]:
            own.update(strategy)
            own["objectives"] = [*own["objectives"], objective]
    return RuleSet.model_validate(text)


def with_receipts(snapshot: Snapshot, rules: RuleSet) -> Snapshot:
    """A receipt of every SKU at three nodes, within twenty days."""
    rng = np.random.default_rng(1)
    receipts = Receipts.none(len(snapshot.catalogue))
    for sku in range(len(snapshot.catalogue)):
        for node in rng.choice(len(snapshot.network.nodes), 3, replace=False).tolist():
            days, units = rng.integers(1, [21, 13]).tolist()
            receipts.set(sku, node, NOW_SECONDS + days * DAY_SECONDS, units)
    return replace(snapshot.with_rules(rules), receipts=receipts)


def with_days(snapshot: Snapshot, rules: RuleSet) -> Snapshot:
    """Every node gets CAPACITY units ready a day; every third one has nothing left today."""
    nodes = tuple(replace(node, capacity=((LoadKind.UNITS, CAPACITY),)) for node in snapshot.network.nodes)
    network = replace(snapshot.network, nodes=nodes)
    busy = Snapshot.build(network, snapshot.catalogue, rules, snapshot.stock)
    for node in range(0, len(nodes), 3):
        busy.states.set_backlog(node, LoadKind.UNITS, CAPACITY)
    return busy


SPEC = BenchSpec(name="dates", what="what dates cost", run=run)
