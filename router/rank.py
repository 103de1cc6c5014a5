"""Ranking: for each line of an order by itself, the nodes that could ship it whole, best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.cost import Cost, Part
from router.decide_deliveries import by_deliveries, places_of, strategy_of
from router.domain import Order, OrderLine
from router.errors import InvalidInput
from router.explanation import Candidate, LineCandidates
from router.kernels.fill import first_strategy
from router.kernels.geo import metres_of
from router.kernels.rank import ANSWER_ROWS, ARRIVAL, FIRST_PART, ROW, SERVICE, rank_line
from router.kernels.types import Candidates, OrderArrays
from router.kits import with_components
from router.mistrust import mistrust_cents
from router.orders import check_order, line_by_line, order_arrays
from router.rank_deliveries import rank_deliveries
from router.rejections import HomeCarriage, Refusals
from router.rules.model import Strategy
from router.snapshot import Snapshot
from router.workspace import workspace_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """``strategy_id`` names the strategy whose rules were applied: empty, and no candidates, if none does."""

    strategy_id: str
    lines: tuple[LineCandidates, ...]


def rank(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    max_per_line: int = 20,
    include_rejected: bool = False,
) -> Ranking:
    """Candidates of every line under the first strategy that applies: the ``max_per_line`` best and, if
    asked, every rejected one with its reasons. The counts are of all nodes with a stock row of the SKU.

    Raises InvalidInput for an order that is wrong, and for a ``max_per_line`` below 1.
    """
    order = with_components(order, snapshot.catalogue.kits)
    if by_deliveries(order, snapshot):
        check_order(order, snapshot.network, snapshot.compiled, snapshot.catalogue, now_seconds)
        t = strategy_of(order, places_of(order, snapshot), snapshot)
    else:
        orders = order_arrays([order], snapshot.compiled, snapshot.catalogue, now_seconds)
        t = int(first_strategy(snapshot.at(now_seconds).world, orders, 0))
    lines = rank_lines(
        order, snapshot, now_seconds, t, max_per_line=max_per_line, include_rejected=include_rejected
    )
    return Ranking(strategy_id=snapshot.compiled.strategies[t].id if t >= 0 else "", lines=lines)


def rank_lines(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    strategy_ix: int,
    *,
    max_per_line: int,
    include_rejected: bool,
) -> tuple[LineCandidates, ...]:
    """As ``rank``, under strategy ``strategy_ix`` of the snapshot (-1: none)."""
    if max_per_line < 1:
        raise InvalidInput.at("max_per_line", f"{max_per_line} is below 1")
    if strategy_ix < 0:
        return tuple(
            LineCandidates(
                line_id=line.kit_line_id or line.line_id,
                sku_id=line.sku_id,
                quantity=line.quantity,
                candidates=(),
                eligible_count=0,
                rejected_count=0,
            )
            for line in order.lines
        )
    if by_deliveries(order, snapshot):
        return rank_deliveries(order, snapshot, now_seconds, strategy_ix, max_per_line, include_rejected)
    whole = order_arrays([order], snapshot.compiled, snapshot.catalogue, now_seconds)
    singles = line_by_line(whole)
    return tuple(
        _rank_one(order, snapshot, now_seconds, singles, ix, strategy_ix, max_per_line, include_rejected)
        for ix in range(len(order.lines))
    )


def _rank_one(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    singles: OrderArrays,
    ix: int,
    strategy_ix: int,
    max_per_line: int,
    include_rejected: bool,
) -> LineCandidates:
    world, origin_seconds = snapshot.at(now_seconds)
    space = workspace_for(world, 1)
    line = order.lines[ix]
    answer = np.zeros((ANSWER_ROWS, min(max_per_line, len(snapshot.network.nodes))), np.int64)
    rows, eligible = rank_line(
        world,
        singles,
        ix,
        strategy_ix,
        origin_seconds,
        answer.shape[1],
        space.candidates,
        space.subsets,
        answer,
    )
    found = space.candidates
    strategy = snapshot.compiled.strategies[strategy_ix]
    candidates = [
        _candidate(snapshot, strategy, line, found, int(column[ROW]), column.tolist())
        for column in answer[:, : min(eligible, answer.shape[1])].T
    ]
    if include_rejected and eligible < rows:
        carriage = HomeCarriage(
            snapshot,
            order,
            snapshot.catalogue.sku(line.sku_id),
            singles,
            ix,
            strategy_ix,
            world.network,
            origin_seconds,
            found,
        )
        refusals = Refusals(snapshot.network, snapshot.network.nodes, order, line, strategy, carriage, found)
        against = np.flatnonzero(found.bits[:rows, 0])
        candidates += [_rejected(snapshot, found, int(row), refusals) for row in against]
    return LineCandidates(
        line_id=line.kit_line_id or line.line_id,
        sku_id=line.sku_id,
        quantity=line.quantity,
        candidates=tuple(candidates),
        eligible_count=eligible,
        rejected_count=rows - eligible,
    )


def _candidate(
    snapshot: Snapshot, strategy: Strategy, line: OrderLine, found: Candidates, row: int, answer: list[int]
) -> Candidate:
    node_id = snapshot.compiled.node_ids[found.node[row]]
    mistrust = mistrust_cents(node_id, [line.sku_id], strategy, snapshot)
    return Candidate(
        node_id=node_id,
        available=int(found.available[row, 0]),
        distance_m=metres_of(found.chord2[row]),
        service_id=snapshot.compiled.service_ids[answer[SERVICE]],
        arrival_seconds=answer[ARRIVAL],
        cost=Cost.of(answer[FIRST_PART:]).moved(Part.HANDLING, Part.MISTRUST, mistrust),
        rejections=(),
    )


def _rejected(snapshot: Snapshot, found: Candidates, row: int, refusals: Refusals) -> Candidate:
    return Candidate(
        node_id=snapshot.compiled.node_ids[found.node[row]],
        available=int(found.available[row, 0]),
        distance_m=metres_of(found.chord2[row]),
        service_id="",
        arrival_seconds=0,
        cost=None,
        rejections=refusals.of_row(row),
    )
