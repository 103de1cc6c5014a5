"""Ranking for orders by deliveries: each line in the scene of its delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from router.catalogue import Sku
from router.cost import Cost, Part
from router.domain import DeliveryMethod, Order, OrderLine
from router.explanation import Candidate, LineCandidates, Rejection
from router.kernels.geo import metres_of
from router.kernels.rank import ANSWER_ROWS, FIRST_PART, ROW, SERVICE, rank_line
from router.kernels.types import Candidates
from router.mistrust import mistrust_cents
from router.network import Node
from router.orders import line_by_line
from router.places import lines_of
from router.question import Question
from router.rejections import Refusals, exclusions, kg_text, not_carried
from router.scene import Scene, build_scene
from router.snapshot import Snapshot
from router.times import late_cents
from router.workspace import workspace_for


def rank_deliveries(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    strategy_ix: int,
    max_per_line: int,
    include_rejected: bool,
) -> tuple[LineCandidates, ...]:
    """As ``rank_lines``. Methods are not told apart by name: a node serves a place by one."""
    found: dict[str, LineCandidates] = {}
    question = Question(order, snapshot, strategy_ix, now_seconds)
    for delivery_ix, delivery in enumerate(question.deliveries):
        if not lines_of(order, delivery):
            continue  # who asks for a single line leaves the deliveries as they are
        scene = build_scene(question, delivery_ix)
        for ix, line in enumerate(lines_of(order, delivery)):
            found[line.line_id] = _rank_line(
                scene, snapshot, line, ix, strategy_ix, max_per_line, include_rejected
            )
    return tuple(found[line.line_id] for line in order.lines)


def _rank_line(
    scene: Scene,
    snapshot: Snapshot,
    line: OrderLine,
    ix: int,
    strategy_ix: int,
    max_per_line: int,
    include_rejected: bool,
) -> LineCandidates:
    world, origin_seconds = scene.moment
    space = workspace_for(world, 1)
    nodes = [snapshot.network.nodes[k] for k in scene.nodes.tolist()]
    answer = np.zeros((ANSWER_ROWS, len(world.network.node_country)), np.int64)
    rows, eligible = rank_line(
        world,
        line_by_line(scene.columns),
        ix,
        0,
        origin_seconds,
        answer.shape[1],
        space.candidates,
        space.subsets,
        answer,
    )
    found = space.candidates
    sku = snapshot.catalogue.sku(line.sku_id)
    weight = line.quantity * sku.weight_grams
    wanted = (int(scene.columns.sku_ix[ix]), line.quantity)
    best = [_candidate(scene, nodes, found, weight, wanted, answer[:, i].tolist()) for i in range(eligible)]
    best = [_told_apart(candidate, line, scene, snapshot) for candidate in best]
    best.sort(key=lambda c: (c.cost.total_cents if c.cost else 0, c.arrival_seconds, -c.available, c.node_id))
    able = {c.node_id: c for c in reversed(best)}  # the best date of each
    best = [c for c in best if able[c.node_id] is c]
    unable = _first_dates(found, rows, nodes, able)
    candidates = best[:max_per_line]
    if include_rejected:
        carriage = _SceneCarriage(scene, snapshot, sku, strategy_ix, found)
        refusals = Refusals(snapshot.network, nodes, scene.order, line, scene.strategy, carriage, found)
        for row in unable:
            candidates.append(
                Candidate(
                    node_id=nodes[int(found.node[row])].node_id,
                    available=int(found.available[row, 0]),
                    distance_m=metres_of(found.chord2[row]),
                    service_id="",
                    arrival_seconds=0,
                    cost=None,
                    rejections=refusals.of_row(row),
                )
            )
    return LineCandidates(
        line_id=line.kit_line_id or line.line_id,
        sku_id=line.sku_id,
        quantity=line.quantity,
        candidates=tuple(candidates),
        eligible_count=len(best),
        rejected_count=len(unable),
    )


def _first_dates(found: Candidates, rows: int, nodes: list[Node], able: Mapping[str, Candidate]) -> list[int]:
    """Of each node that may not supply the line at any date the row of its first."""
    first: dict[str, int] = {}
    for row in sorted(range(rows), key=lambda row: int(found.node[row])):
        node_id = nodes[int(found.node[row])].node_id
        if node_id not in able:
            first.setdefault(node_id, row)
    return list(first.values())


def _candidate(
    scene: Scene,
    nodes: list[Node],
    found: Candidates,
    weight_grams: int,
    wanted: tuple[int, int],
    answer: list[int],
) -> Candidate:
    """From a column of the ranking's answer, whose times are but levels."""
    row, way = answer[ROW], answer[SERVICE]
    source = int(found.node[row])
    arrival, date_seconds = int(scene.ways.arrival[source, way]), int(scene.dates[source])
    cost = Cost.of(answer[FIRST_PART:])
    tariff = scene.ways.tariffs[int(scene.ways.tariff[source, way])]
    transfer = tariff.price(tariff.transfer_cents, weight_grams)
    for part, cents in scene.prices.told(source, [wanted]).items():
        cost = cost.moved(Part.HANDLING, part, cents)
    late = int(late_cents(scene.strategy, scene.delivery, np.array([arrival]))[0])
    return Candidate(
        node_id=nodes[source].node_id,
        available=int(found.available[row, 0]),
        distance_m=metres_of(found.chord2[row]),
        service_id=scene.ways.ids[way],
        arrival_seconds=arrival,
        cost=cost.moved(Part.DELAY, Part.LATENESS, late).moved(Part.SHIPPING, Part.TRANSFER, transfer),
        rejections=(),
        supply_seconds=date_seconds if date_seconds > scene.moment.origin_seconds else 0,
    )


def _told_apart(candidate: Candidate, line: OrderLine, scene: Scene, snapshot: Snapshot) -> Candidate:
    mistrust = mistrust_cents(candidate.node_id, [line.sku_id], scene.strategy, snapshot)
    cost = candidate.cost and candidate.cost.moved(Part.HANDLING, Part.MISTRUST, mistrust)
    return replace(candidate, cost=cost)


@dataclass(frozen=True, slots=True)
class _SceneCarriage:
    """Why no way takes a line; rows are those of ``found``."""

    scene: Scene
    snapshot: Snapshot
    sku: Sku
    strategy_ix: int
    found: Candidates

    def method(self, row: int) -> DeliveryMethod:
        return DeliveryMethod(int(self.scene.methods[self.found.node[row]]))

    def obstacles(self, row: int, node: Node) -> tuple[Rejection, set[str]]:
        ways, source = self.scene.ways, int(self.found.node[row])
        said: list[str] = []
        barring: set[str] = set()
        soonest: int | None = None
        for way, services in enumerate(ways.services):
            name = ways.ids[way] or "collecting"
            if ways.tariff[source, way] < 0:
                if not services or services[0] in self._own(node):
                    said.append(f"{name} does not go there" if services else "the goods are not in the store")
                continue
            obstacles: list[str] = []
            for v in services:
                words, rules = exclusions(
                    self.snapshot, self.strategy_ix, self.sku, self.snapshot.network.services[v]
                )
                obstacles += words
                barring.update(rules)
            greatest = ways.tariffs[int(ways.tariff[source, way])].up_to_grams[-1]
            if self.sku.weight_grams > greatest:
                own = kg_text(self.sku.weight_grams)
                obstacles.append(f"takes at most {kg_text(greatest)}, a unit weighs {own}")
            if obstacles:
                said.append(f"{name} {' and '.join(obstacles)}")
            elif self.scene.late[source, way]:
                arrival = int(ways.arrival[source, way])
                soonest = arrival if soonest is None else min(soonest, arrival)
        return not_carried(said, soonest, self.scene.latest_seconds), barring

    def _own(self, node: Node) -> set[int]:
        """Services that collect at a node."""
        services = self.snapshot.network.services
        return {v for v, service in enumerate(services) if service.service_id in node.services}
