"""(d) How the cost of a decision grows with lines, nodes and stock rows."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

from bench.spec import BenchSpec, Report, Result, Sheet, seconds_per_call
from bench.synthetic import NOW_SECONDS, make_orders, make_snapshot
from router.ladder import run_kernels
from router.orders import order_arrays
from router.snapshot import Snapshot

USUAL_LINES, USUAL_SHARE = 3, 0.5


@dataclass(frozen=True, slots=True)
class Size:
    """What grows, and ``usual_nodes`` and ``usual_skus`` where something else does. shares: of the nodes that
    stock a SKU. orders: of a kernel call, one call a round."""

    lines: tuple[int, ...]
    nodes: tuple[int, ...]
    shares: tuple[float, ...]
    sku_counts: tuple[int, ...]
    usual_nodes: int
    usual_skus: int
    orders: int
    rounds: int


FULL = Size(
    lines=tuple(range(1, 11)),
    nodes=(100, 300, 1_000, 3_000, 10_000),
    shares=(0.03, 0.1, 0.3, 1.0),
    sku_counts=(100, 1_000, 10_000, 60_000),
    usual_nodes=300,
    usual_skus=300,
    orders=200,
    rounds=11,
)
SMOKE = Size(
    lines=(1, 2),
    nodes=(10, 20),
    shares=(0.5, 1.0),
    sku_counts=(10, 20),
    usual_nodes=20,
    usual_skus=20,
    orders=5,
    rounds=2,
)


@dataclass(frozen=True, slots=True)
class Point:
    """A row of a table: its name, the stock rows there are and an order's lines have, seconds a decision."""

    name: str
    stock_rows: int
    order_rows: float
    seconds: float


def run(smoke: bool, report: Report) -> Result:
    """Four tables; in each, one thing grows and the rest stays as it is."""
    size = SMOKE if smoke else FULL

    def snapshot(
        nodes: int = size.usual_nodes, skus: int = size.usual_skus, share: float = USUAL_SHARE
    ) -> Snapshot:
        return make_snapshot(nodes=nodes, skus=skus, share=share)

    def point(name: str, world: Snapshot, lines: int = USUAL_LINES) -> Point:
        report(f"{name}: {len(world.stock):,} stock rows")
        order_rows = lines * len(world.stock) / len(world.catalogue)
        return Point(name, len(world.stock), order_rows, per_decision(world, lines, size))

    usual = snapshot()
    tables = {
        "lines": [point(f"{n} line" + "s" * (n > 1), usual, n) for n in size.lines],
        "nodes, half of them stocking a SKU": [point(f"{n:,} nodes", snapshot(nodes=n)) for n in size.nodes],
        "depth of a SKU": [
            point(f"at {share:.0%} of the nodes", snapshot(share=share)) for share in size.shares
        ],
        "stock rows by more SKUs": [point(f"{n:,} SKUs", snapshot(skus=n)) for n in size.sku_counts],
    }
    figures = {f"{p.name}_us": p.seconds * 1e6 for points in tables.values() for p in points}
    return Result(sheets=[sheet_of(title, points) for title, points in tables.items()], figures=figures)


def sheet_of(title: str, points: list[Point]) -> Sheet:
    """The points, and how many times the first each costs."""
    return Sheet(
        title=f"(d) cost of a decision by {title}",
        headings=("", "stock rows", "of an order's lines", "us a decision", "times the first"),
        rows=[
            (
                p.name,
                f"{p.stock_rows:,}",
                f"{p.order_rows:,.0f}",
                f"{p.seconds * 1e6:,.1f}",
                f"{p.seconds / points[0].seconds:,.2f}",
            )
            for p in points
        ],
    )


def per_decision(snapshot: Snapshot, lines: int, size: Size) -> float:
    """Seconds a decision of the kernels: the median over rounds of one call with all orders. Raises
    RuntimeError when an order is left to the solver."""
    orders = make_orders(snapshot, size.orders, lines)
    columns = order_arrays(orders, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    if np.any(run_kernels(snapshot.at(NOW_SECONDS), columns).status <= 0):
        raise RuntimeError("an order was left to the solver")
    rounds = [
        seconds_per_call(lambda: run_kernels(snapshot.at(NOW_SECONDS), columns), 1)
        for _ in range(size.rounds)
    ]
    return median(rounds) / len(orders)


SPEC = BenchSpec(name="growth", what="cost of a decision over lines, nodes and stock rows", run=run)
