"""Routes: what a carrier (nodes with equal origin, processing time and services) offers to a destination
class, by distance band. Made once per network, so that a decision looks up the lanes of a candidate instead
of finding them."""

from __future__ import annotations

import numpy as np

from router.kernels.jit import kernel
from router.kernels.prices import days_of
from router.kernels.types import ANYWHERE, F64, I16, I32, I64, U8


@kernel
def fill_routes(
    carrier_node: I32,
    node_service: U8,
    node_zone_class: I16,
    processing_seconds: I64,
    lane_start: I32,
    lane_list: I32,
    lane_max_chord2: F64,
    lane_transit_seconds: I64,
    zones: int,
    start: I32,
    chord2: F64,
    lanes: I32,
    days: I64,
) -> int:
    """Writes the routes of carrier q to destination class d at ``start[d * Q + q]`` and on: where the band
    ends (squared chord), the lane of each service (-1: none) and its started days. Returns how many there
    are; only counts them where ``chord2`` has no room."""
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
                        days[count, v] = -1
                        if node_service[here, v] == 0:
                            continue
                        at = (v * zones + node_zone_class[here]) * zones + target
                        for i in range(lane_start[at], lane_start[at + 1]):
                            lane = lane_list[i]
                            if lane_max_chord2[lane] >= end:
                                lanes[count, v] = lane
                                days[count, v] = days_of(
                                    processing_seconds[here] + lane_transit_seconds[lane]
                                )
                                break
                count += 1
                near = end
    start[zones * carriers] = count
    return count


def routes_of(
    carrier_node: I32,
    node_service: U8,
    node_zone_class: I16,
    processing_seconds: I64,
    lane_start: I32,
    lane_list: I32,
    lane_max_chord2: F64,
    lane_transit_seconds: I64,
    zones: int,
) -> tuple[I32, F64, I32, I32]:
    """(start, chord2, lane, kind) of all routes, as in NetworkArrays."""
    services = node_service.shape[1]
    start = np.zeros(zones * len(carrier_node) + 1, np.int32)
    room = 0
    while True:
        chord2, lanes = np.empty(room), np.empty((room, services), np.int32)
        days = np.empty((room, services), np.int64)
        count = fill_routes(
            carrier_node,
            node_service,
            node_zone_class,
            processing_seconds,
            lane_start,
            lane_list,
            lane_max_chord2,
            lane_transit_seconds,
            zones,
            start,
            chord2,
            lanes,
            days,
        )
        if count <= room:
            break
        room = count
    offers = np.concatenate([lanes.astype(np.int64), days], axis=1)
    kind = np.unique(offers, axis=0, return_inverse=True)[1] if services else np.zeros(count)
    return start, chord2, lanes, kind.reshape(-1).astype(np.int32)
