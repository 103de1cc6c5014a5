"""Routes: what a carrier (nodes with equal origin, departure and services) offers to a destination class, by
distance band. Made once per network, so that a decision looks up the lanes of a candidate instead of finding
them."""

from __future__ import annotations

import numpy as np

from router.kernels.jit import inline, kernel
from router.kernels.types import ANYWHERE, F64, I16, I32, U8, NetworkArrays


@inline
def offer_of(net: NetworkArrays, target: int, node: int, chord2: float) -> int:
    """What a node offers to a place of destination class ``target`` so far away: a row of ``offer_lane``."""
    route = net.route_start[target * net.carrier_count + net.node_carrier[node]]
    while chord2 >= net.route_chord2[route]:
        route += 1
    return int(net.route_offer[route])


@kernel
def fill_routes(
    carrier_node: I32,
    node_service: U8,
    node_zone_class: I16,
    lane_start: I32,
    lane_list: I32,
    lane_max_chord2: F64,
    zones: int,
    start: I32,
    chord2: F64,
    lanes: I32,
) -> int:
    """Writes the routes of carrier q to destination class d at ``start[d * Q + q]`` and on: where the band
    ends (squared chord) and the lane of each service (-1: none). Returns how many there are; only counts them
    where ``chord2`` has no room.

    Lanes of (service v, zone class of the node o, zone class of the destination d) are
    ``lane_list[lane_start[i]:lane_start[i + 1]]`` with ``i = (v * O + o) * O + d``, in order of precedence.
    """
    carriers, services = len(carrier_node), node_service.shape[1]
    room = len(chord2)
    count = 0
    for target in range(zones):
        for q in range(carriers):
            here = carrier_node[q]
            start[target * carriers + q] = count
            near = -1.0
            while near < ANYWHERE:
                end = ANYWHERE
                for v in range(services):
                    if node_service[here, v] == 0:
                        continue
                    at = (v * zones + node_zone_class[here]) * zones + target
                    for i in range(lane_start[at], lane_start[at + 1]):
                        reach = lane_max_chord2[lane_list[i]]
                        if near < reach < end:
                            end = reach
                if count < room:
                    chord2[count] = end
                    for v in range(services):
                        lanes[count, v] = -1
                        if node_service[here, v] == 0:
                            continue
                        at = (v * zones + node_zone_class[here]) * zones + target
                        for i in range(lane_start[at], lane_start[at + 1]):
                            lane = lane_list[i]
                            if lane_max_chord2[lane] >= end:
                                lanes[count, v] = lane
                                break
                count += 1
                near = end
    start[zones * carriers] = count
    return count


def routes_of(
    carrier_node: I32,
    node_service: U8,
    node_zone_class: I16,
    lane_start: I32,
    lane_list: I32,
    lane_max_chord2: F64,
    zones: int,
) -> tuple[I32, F64, I32]:
    """(start, chord2, lane of each service) of all routes, as ``fill_routes`` writes them."""
    services = node_service.shape[1]
    start = np.zeros(zones * len(carrier_node) + 1, np.int32)
    room = 0
    while True:
        chord2, lanes = np.empty(room), np.empty((room, services), np.int32)
        count = fill_routes(
            carrier_node,
            node_service,
            node_zone_class,
            lane_start,
            lane_list,
            lane_max_chord2,
            zones,
            start,
            chord2,
            lanes,
        )
        if count <= room:
            return start, chord2, lanes
        room = count
