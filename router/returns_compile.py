"""What returns read of network and rules, as columns. Runs once per change of either.

Dimensions: N nodes, V return services, M lanes of all of them, Z zones (row Z: "no zone").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from router.columns import frozen
from router.domain import ReturnMethod
from router.kernels.geo import chord2_within
from router.kernels.types import ANYWHERE
from router.network import Lane, Network
from router.rules.compile import weighted
from router.rules.compile_eligibility import matches_node
from router.rules.model import RuleSet
from router.rules.return_model import (
    AcceptReturns,
    FollowSource,
    Reconditioning,
    ReturnHandling,
    ReturnRules,
    ReturnShipping,
    ReturnSplit,
    StockNeed,
    Transfer,
    Worth,
)
from router.rules.selectors import NodeSelector

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReturnLanes:
    """Return services and the nodes they bring goods to.

    lanes: of all services, those of a service together, in its order. service: int[M]. from_ok, to_ok:
    bool[M, Z + 1]. reach: float[M], squared chord below which a place is near enough.
    drop_off, parcel: bool[N]. calls: bool[N, V], the service brings goods to the node and collects there.
    node_zone: int[N].
    """

    lanes: tuple[Lane, ...]
    service: I64
    from_ok: Flags
    to_ok: Flags
    reach: NDArray[np.float64]
    drop_off: Flags
    parcel: Flags
    calls: Flags
    node_zone: I64

    @classmethod
    def of(cls, network: Network, node_zone: Sequence[int]) -> ReturnLanes:
        """``node_zone``: row of each node's zone."""
        services, nodes = network.return_services, network.nodes
        lanes = [(v, lane) for v, service in enumerate(services) for lane in service.lanes]
        zones = [*(z.zone_id for z in network.zones), None]

        def table(sets: Sequence[frozenset[str]]) -> Flags:
            rows = [[not named or zone in named for zone in zones] for named in sets]
            return frozen(np.array(rows, bool).reshape(len(lanes), len(zones)))

        reach = [
            ANYWHERE if lane.max_distance_m is None else chord2_within(lane.max_distance_m)
            for _, lane in lanes
        ]
        calls = [[s.service_id in n.services for s in services] for n in nodes]
        return cls(
            lanes=tuple(lane for _, lane in lanes),
            service=frozen(np.array([v for v, _ in lanes], np.int64)),
            from_ok=table([lane.from_zones for _, lane in lanes]),
            to_ok=table([lane.to_zones for _, lane in lanes]),
            reach=frozen(np.array(reach, np.float64)),
            drop_off=frozen(np.array([ReturnMethod.DROP_OFF in n.return_methods for n in nodes], bool)),
            parcel=frozen(np.array([ReturnMethod.PARCEL in n.return_methods for n in nodes], bool)),
            calls=frozen(np.array(calls, bool).reshape(len(nodes), len(services))),
            node_zone=frozen(np.array(node_zone, np.int64)),
        )


@dataclass(frozen=True, slots=True)
class Need:
    """One ``stock_need`` objective: weighted cents, and the nodes it is about (bool[N])."""

    cents: int
    target_units: int
    nodes: Flags

    def total_cents(self, found: I64, units: I64) -> I64:
        """What ``units`` more are worth together where ``found`` are: int64[N]."""
        return np.where(self.nodes, self._below(found + units) - self._below(found), 0)

    def _below(self, units: I64) -> I64:
        """Sum of the prices of the units that find 0, 1, .. ``units`` - 1; below zero each counts in full."""
        prices = self.cents * (self.target_units - np.arange(self.target_units)) // self.target_units
        sums = np.concatenate([[0], np.cumsum(prices)])
        return np.where(units < 0, self.cents * units, sums[np.clip(units, 0, self.target_units)])


@dataclass(frozen=True, slots=True)
class ReturnCosts:
    """A profile's ``returns:`` section over the nodes. All cents are weighted.

    against: per eligibility rule bool[N], the nodes it removes (max_distance: those it is about).
    worth_nodes: per worth objective bool[N]. handling_cents, recondition_cents: int64[N] per unit.
    shipping_cents, transfer_cents: per lane the prices of its brackets.
    """

    rules: ReturnRules
    against: tuple[Flags, ...]
    worth: tuple[Worth, ...]
    worth_nodes: tuple[Flags, ...]
    needs: tuple[Need, ...]
    handling_cents: I64
    recondition_cents: I64
    shipping_cents: tuple[tuple[int, ...], ...]
    transfer_cents: tuple[tuple[int, ...], ...]
    split_cents: int
    follow_cents: int

    @classmethod
    def of(cls, rules: ReturnRules, network: Network) -> ReturnCosts:
        """Weights are applied here, once, as in ``router.rules.compile``."""
        nodes = network.nodes
        lanes = [lane for service in network.return_services for lane in service.lanes]
        goals = rules.objectives

        def select(selector: NodeSelector) -> Flags:
            return frozen(np.array([matches_node(selector, n) for n in nodes], bool))

        def weights(kind: type[ReturnShipping | Transfer | ReturnHandling | Reconditioning]) -> list[Decimal]:
            return [goal.weight for goal in goals if isinstance(goal, kind)]

        def summed(cents: Sequence[int], own: Sequence[Decimal]) -> tuple[int, ...]:
            return tuple(sum(weighted(c, weight) for weight in own) for c in cents)

        def fixed(kind: type[ReturnSplit | FollowSource]) -> int:
            return sum(weighted(goal.cents, goal.weight) for goal in goals if isinstance(goal, kind))

        brackets = [[b.cents for b in lane.brackets] for lane in lanes]
        worth = tuple(goal for goal in goals if isinstance(goal, Worth))
        return cls(
            rules=rules,
            against=tuple(
                frozen(~select(rule.nodes)) if isinstance(rule, AcceptReturns) else select(rule.nodes)
                for rule in rules.eligibility
            ),
            worth=worth,
            worth_nodes=tuple(select(goal.nodes) for goal in worth),
            needs=tuple(
                Need(weighted(goal.cents, goal.weight), goal.target_units, select(goal.nodes))
                for goal in goals
                if isinstance(goal, StockNeed)
            ),
            handling_cents=_column(summed([n.return_unit_cents for n in nodes], weights(ReturnHandling))),
            recondition_cents=_column(
                summed([n.recondition_unit_cents for n in nodes], weights(Reconditioning))
            ),
            shipping_cents=tuple(summed(own, weights(ReturnShipping)) for own in brackets),
            transfer_cents=tuple(summed(own, weights(Transfer)) for own in brackets),
            split_cents=fixed(ReturnSplit),
            follow_cents=fixed(FollowSource),
        )


@dataclass(frozen=True, slots=True)
class CompiledReturns:
    """By row of the profile; None where it has no ``returns:`` section."""

    lanes: ReturnLanes
    profiles: tuple[ReturnCosts | None, ...]

    @classmethod
    def of(cls, network: Network, rules: RuleSet, node_zone: Sequence[int]) -> CompiledReturns:
        return cls(
            ReturnLanes.of(network, node_zone),
            tuple(None if p.returns is None else ReturnCosts.of(p.returns, network) for p in rules.profiles),
        )


def parcels(lane: Lane, weight_grams: int) -> int:
    """Parcels that goods on a lane are billed as."""
    return max(1, -(-weight_grams // lane.brackets[-1].up_to_grams))


def tariff_cents(lane: Lane, cents: Sequence[int], weight_grams: int) -> int:
    """``cents``: of its brackets, weighted."""
    full, rest = divmod(weight_grams, lane.brackets[-1].up_to_grams)
    if rest == 0 and weight_grams > 0:
        return full * cents[-1]
    holding = next(i for i, bracket in enumerate(lane.brackets) if bracket.up_to_grams >= rest)
    return full * cents[-1] + cents[holding]


def _column(values: Sequence[int]) -> I64:
    return frozen(np.array(values, np.int64))
