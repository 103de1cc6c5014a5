"""The columns that kernels read and write, as named tuples of arrays.

Dimensions: N nodes, S SKUs, R stock rows, V services, Z zones (row Z: "no zone"), C countries (row C: any
other), T strategies of all profiles, K SKU classes (SKUs that every rule treats alike), B orders of a
call, L lines of all of them. Booleans are uint8.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
I16 = NDArray[np.int16]
I8 = NDArray[np.int8]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]

FAR = 2**62
"""Larger than every cost, quantity and instant."""

ANYWHERE = 8.0
"""A squared chord that no two places on the sphere reach."""

BIT_NOT_STOCKED = 0
BIT_INSUFFICIENT = 1
BIT_NO_SERVICE = 2
BIT_TOO_LATE = 3
FIRST_RULE_BIT = 8
"""Reasons of a (candidate, line): bits 0..3 are facts, bit 8 + r is the strategy's r-th eligibility rule."""

DYN_MAX_DISTANCE = 0
DYN_SAME_COUNTRY = 1
DYN_MIN_REMAINING = 2

MAX_GROUPS = 10
"""Most groups of an order that the subset programme takes."""

CLASSES = 64
"""Most classes of candidates that the lean programme takes."""

LEVELS = 64
"""Most distinct delay costs that the subset programme takes."""

DAYS_TABLE = 368
"""Entries of the delay table; beyond the last it goes on linearly."""


class NetworkArrays(NamedTuple):
    """Nodes and carriers. An *offer* is a lane and a time for each service: see ``router.timetable``."""

    node_xyz: F64  # [3, N] unit vectors
    node_country: I16  # [N]
    node_service: U8  # [N, V] the service collects here
    node_carrier: I32  # [N] nodes with equal zone class, departure and services share one of Q
    carrier_count: int  # Q
    route_start: I32  # [O * Q + 1] routes of carrier q to zone class d at d * Q + q: see kernels.routes
    route_chord2: F64  # [routes] squared chord at which its distance band ends
    route_offer: I32  # [routes]
    offer_lane: I32  # [F, V] -1: none
    offer_seconds: I64  # [F, V] from the origin to the arrival
    offer_kind: I32  # [F] offers with equal lanes and started days share one
    zone_class: I16  # [Z + 1]
    lane_service: I32  # [lanes]
    bracket_start: I32  # [lanes + 1]
    bracket_grams: I64  # [brackets] ascending within a lane


class CatalogueArrays(NamedTuple):
    """SKUs."""

    weight_grams: I32  # [S]
    unit_value_cents: I64  # [S]
    sku_class: I16  # [S]


class RuleArrays(NamedTuple):
    """Strategies, compiled. All cents are weighted already. ``*_start[T + 1]`` delimit lists."""

    profile_start: I32  # [P + 1] strategies of a profile, in the order in which they are tried
    fallback: I32  # [T] -1 none
    channel_mask: I64  # [T] bit per sales channel
    value_min_cents: I64  # [T]
    value_max_cents: I64  # [T]
    country_ok: U8  # [T, C + 1]
    zone_ok: U8  # [T, Z + 1]
    segment_ok: U8  # [T, segments + 1]
    static_bits: U64  # [T, K, N] rules that remove a node whatever the order
    soft_bits: U64  # [T] reasons that speak of quantity: a smaller one may do
    near_chord2: F64  # [T, K, N] all max_distance rules in one figure
    keep_units: I64  # [T, K, N] all min_remaining rules in one; FAR where static_bits remove the node
    home_only: U8  # [T, K, N] all same_country rules in one
    same_country: U8  # [T] there are such
    dynamic_start: I32  # [T + 1]
    dynamic_kind: I64
    dynamic_bit: I64
    dynamic_units: I64  # min_remaining
    dynamic_chord2: F64  # max_distance: squared chord below which a place is near enough
    dynamic_applies: U8  # [., K, N]
    service_ok: U8  # [T, K, V]
    service_bits: U64  # [T, K] exclude_services rules that speak about the class
    bracket_cents: I64  # [T, brackets]
    ship_handling_cents: I64  # [T, N]
    line_cents: I64  # [T, K, N] of a line in a shipment
    unit_cents: I64  # [T, K, N] of a unit, node priority among it
    ship_priority_cents: I64  # [T, N]
    unit_priority_cents: I64  # [T, N]
    distance_start: I32  # [T + 1]
    distance_rate: I64  # cents per 1,000 km
    distance_per_unit: U8
    depth_start: I32  # [T + 1]
    depth_cents: I64
    depth_target: I64
    depth_applies: U8  # [., N]
    depth_profile: I32  # [T, N] nodes under the same stock_depth objectives share a profile
    depth_below: I64  # [profiles, W + 1] sum of the prices of leaving 0, 1, .. r - 1 units behind
    delay_cents: I64  # [T, DAYS_TABLE]
    delay_slope_cents: I64  # [T]
    split_cents: I64  # [T]
    price_weight: I64  # [T] of stock prices, in ten-thousandths; 0: they do not count
    max_nodes: I64  # [T]
    min_part_value_cents: I64  # [T]
    line_splits: I64  # [T] domain.LineSplits
    allow_partial: U8  # [T]
    must_fill: I64  # [T] mask of groups that every answer fills; 0 but for an order's own rules


class StockArrays(NamedTuple):
    """Stock by SKU: rows ``sku_start[s]:sku_start[s + 1]`` belong to SKU s, by ascending node."""

    sku_start: I64  # [S + 1]
    node_ix: I32  # [R]
    available: I32  # [R] written in place by the one writer
    price_cents: I32  # [R] what a unit is worth to orders to come; [0] when there are no prices


class OrderArrays(NamedTuple):
    """Orders. Groups are numbered within each order by first appearance."""

    line_start: I64  # [B + 1]
    sku_ix: I32  # [L]
    quantity: I64  # [L]
    unit_value_cents: I64  # [L]
    group: I16  # [L]
    alone: U8  # [L]
    country: I16  # [B]
    zone: I16  # [B]
    xyz: F64  # [B, 3]
    channel: I16  # [B]
    segment: I16  # [B]
    profile: I16  # [B]
    deliver_by_seconds: I64  # [B] FAR for none


class World(NamedTuple):
    """Everything that does not belong to one call."""

    network: NetworkArrays
    catalogue: CatalogueArrays
    rules: RuleArrays
    stock: StockArrays


class Candidates(NamedTuple):
    """One order's problem: its candidate nodes (those with a stock row of one of its SKUs). Row c is a
    candidate, column l a line of the order, g a group, v a service, j a SKU that several groups share.
    Sized for the largest order of the call."""

    row_of_node: I32  # [N] candidate row, or -1; restored after each order
    node: I32  # [c]
    chord2: F64  # [c] squared chord to the destination
    bits: U64  # [c, l] reasons against
    available: I64  # [c, l]
    cap: I64  # [c, l] most units of the line that stock and rules allow here, carriage aside
    supply: I64  # [c] mask of the groups it can supply whole
    group_cents: I64  # [c, g] cost of a group's lines and units (stock depth of shared SKUs aside)
    ship_cents: I64  # [c] cost per shipment before the tariff
    lane: I32  # [c, v] -1: no service in time
    lane_used: U8  # [lanes] some candidate has the lane; zeros between orders
    late: U8  # [c, v] there is a lane, but not in time
    seconds: I64  # [c, v] from the origin to the arrival, in time or not
    delay_cents: I64  # [c, v] order-level delay cost if this option arrives last
    line_item_units: I64  # [l] units of the line's SKU in its group
    line_leads: U8  # [l] first line of its SKU in its group
    line_shared: I64  # [l] j, or -1
    shared_line: I64  # [j] a line of the SKU
    shared_units: I64  # [j, g]
    group_units: I64  # [g]
    group_lines: I64  # [g]
    group_weight: I64  # [g] grams
    group_value: I64  # [g] cents
    group_alone: U8  # [g]


class Subsets(NamedTuple):
    """Work space of the subset programme, for at most MAX_GROUPS groups: E = 2^MAX_GROUPS."""

    low: I64  # [E] index of the lowest set bit
    weight: I64  # [E] grams of the groups of a subset
    value: I64  # [E] cents
    units: I64  # [E]
    lane_groups: I64  # [lanes] mask of the groups that may travel by the lane
    lane_cents: I64  # [E, lanes] tariff
    node_sum: I64  # [E] group_cents of a subset, of the node at hand
    node_base: I64  # [E] cost of a subset from the node at hand, stock depth of shared SKUs aside
    best: I64  # [E] least over nodes
    best_row: I32  # [E] candidate that gives it
    cover: I64  # [MAX_GROUPS + 1, E] least cost of a subset in at most so many parts
    pick: I64  # [MAX_GROUPS + 1, E] its part that holds the lowest group
    level: I64  # [LEVELS] distinct delay costs, ascending
    part_mask: I64  # [MAX_GROUPS] the answer
    part_row: I64  # [MAX_GROUPS]


class RowClasses(NamedTuple):
    """Work space of the lean programme. Candidates with equal lanes and delays form one of at most CLASSES
    classes; the cost of a part is then a sum over its node plus a tariff that depends on the class alone.
    What is kept for every class and subset of G groups has its entry at ``class * 2^G + subset``."""

    lines: I64  # [N] mask of the lines a node can supply whole
    have: I64  # [line, N] units that can be promised
    goods: I64  # [MAX_GROUPS, N] cost of a group's goods
    last_order: I64  # [N + 1] the order that a node was last scanned for; the last entry counts them
    listed: I64  # [N] the candidates
    listed_class: I64  # [N] of candidate i
    ship_cents: I64  # [N] cost per shipment before the tariff
    away: F64  # [N] squared chord
    metres: I64  # [N]
    class_of_offer: I32  # [F] -1 between orders
    class_of_kind: I32  # [F] -1 between orders
    seen: I64  # [N] offers of this order
    lane: I32  # [CLASSES, V]
    delay_cents: I64  # [CLASSES, V]
    groups: I64  # [CLASSES] mask of the groups that some lane takes
    best: I64  # [CLASSES * E] least cost of a subset's goods over the nodes of a class, tariff aside
    best_node: I64  # [CLASSES * E]
    carriage: I64  # [CLASSES * E] least tariff
    shipments: I64  # [E] that a subset makes from one node
    line_mask: I64  # [MAX_GROUPS] lines of a group


class PlanArrays(NamedTuple):
    """Decisions. Order b has shipments ``ship_start[b]:ship_start[b + 1]``."""

    status: I16  # [B] domain.Status, or NEEDS_SOLVER
    first_strategy: I32  # [B] -1: none matches
    strategy: I32  # [B] the one that answered
    filled: I64  # [B] mask of groups
    total_cents: I64  # [B]
    parts: I64  # [B, PART_COUNT] the whole plan
    ship_start: I64  # [B + 1]
    ship_row: I64  # candidate row, of use only while the order is decided
    ship_node: I32
    ship_service: I32
    ship_groups: I64  # mask
    ship_parcels: I64
    ship_weight_grams: I64
    ship_distance_m: I64
    ship_arrival_seconds: I64
    ship_parts: I64  # [., PART_COUNT]


NEEDS_SOLVER = 0
"""Status of an order that the kernels leave to the mixed-integer model."""

MISCOUNTED = -1
"""Status of an order whose recomputed cost differs from the programme's: a bug, never sent."""
