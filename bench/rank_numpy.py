"""Ranking the candidates of a line in vectorised NumPy: the fair rival of ``router.kernels.rank``.

Same columns in, same ranking out. It uses every trick that helped on measurement: cents, time and service
of an option are packed into one integer, so that choosing the service is a minimum; stock depth is two
look-ups in a running sum; the sort keys are packed into one integer, so that one SIMD sort (or partition,
when only the first are asked for) replaces a lexicographic sort. Figures that do not fit go the plain way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.cost import Part
from router.kernels.rank import ARRIVAL, FIRST_PART, ROW, SERVICE, TOTAL, LineColumns
from router.kernels.types import FAR

I64 = NDArray[np.int64]

FIT_BITS = 62


def rank_numpy(line: LineColumns, now: int, quantity: int, most: int, out: I64) -> int:
    """As ``rank_candidates``: fills the columns of ``out``, returns how many are eligible."""
    rows = np.flatnonzero(line.bits == 0)
    if len(rows) == 0:
        return 0
    least, seconds, service = best_options(line)
    arrival = seconds[rows]
    available = line.available[rows]
    depth = stock_depth(line, rows, available, quantity)
    total = (least + line.own_cents.sum(axis=0))[rows] + depth
    order = first_of(total, arrival, available, min(most, len(rows)))
    row = rows[order]
    chosen = service[row]
    delay = line.delay_cents[row, chosen]
    answer = out[:, : len(order)]
    answer[ROW] = row
    answer[SERVICE] = chosen
    answer[ARRIVAL] = now + arrival[order]
    answer[TOTAL] = total[order]
    parts = answer[FIRST_PART:]
    parts[Part.SHIPPING] = least[row] - delay
    parts[Part.DELAY] = delay
    parts[Part.SPLIT] = 0
    parts[Part.STOCK_DEPTH] = depth[order]
    own = (Part.HANDLING, Part.DISTANCE, Part.NODE_PRIORITY, Part.STOCK_PRICE)
    parts[list(own)] = line.own_cents[:, row]
    return len(rows)


def best_options(line: LineColumns) -> tuple[I64, I64, I64]:
    """Cents (tariff and delay), seconds and service of every row's best option. Means nothing for
    a row that has none."""
    services = line.lane.shape[1]
    takes = line.lane_cents < FAR
    service_bits = (services - 1).bit_length()
    time_bits = int(line.seconds.max()).bit_length() + service_bits
    greatest = int(line.lane_cents.max(where=takes, initial=0)) + int(line.delay_cents.max())
    if greatest.bit_length() + time_bits > FIT_BITS:
        return best_options_plainly(line)
    key_of_lane = np.full(len(takes) + 1, FAR)  # the last entry is what lane -1 looks up
    key_of_lane[:-1][takes] = line.lane_cents[takes] << time_bits
    time = (line.delay_cents << time_bits) + (line.seconds << service_bits)
    best = key_of_lane[line.lane[:, 0]] + time[:, 0]
    for v in range(1, services):
        key = key_of_lane[line.lane[:, v]]
        key += time[:, v]
        key |= v
        np.minimum(best, key, out=best)
    seconds = (best >> service_bits) & ((1 << (time_bits - service_bits)) - 1)
    return best >> time_bits, seconds, best & ((1 << service_bits) - 1)


def best_options_plainly(line: LineColumns) -> tuple[I64, I64, I64]:
    """The same for figures that do not fit into one integer."""
    tariff = np.where(line.lane < 0, FAR, line.lane_cents[line.lane])
    cents = np.where(tariff < FAR, tariff + line.delay_cents, FAR)
    least = cents.min(axis=1)
    seconds = np.where(cents == least[:, None], line.seconds, FAR)
    return least, seconds.min(axis=1), seconds.argmin(axis=1)


def stock_depth(line: LineColumns, rows: I64, available: I64, quantity: int) -> I64:
    """Price of taking the units, per row in cents: a difference of running sums over the units left."""
    depth = np.zeros(len(rows), np.int64)
    for applies, cents, target in zip(line.depth_applies, line.depth_cents, line.depth_target, strict=True):
        sums = np.zeros(target + 1, np.int64)
        np.cumsum(cents * (target - np.arange(target)) // target, out=sums[1:])
        taken = sums[np.minimum(available, target)] - sums[np.minimum(available - quantity, target)]
        depth += np.where(applies[rows], taken, 0)
    return depth


def first_of(total: I64, arrival: I64, available: I64, most: int) -> I64:
    """Positions of the first ``most`` by total, arrival, deepest stock and position."""
    count = len(total)
    low_total, low_arrival, top = total.min(), arrival.min(), available.max()
    arrival_bits = int(arrival.max() - low_arrival).bit_length()
    stock_bits = int(top - available.min()).bit_length()
    place_bits = (count - 1).bit_length()
    if int(total.max() - low_total).bit_length() + arrival_bits + stock_bits + place_bits > FIT_BITS:
        return np.lexsort((-available, arrival, total))[:most]
    key = total - low_total
    key <<= arrival_bits
    key |= arrival - low_arrival
    key <<= stock_bits
    key |= top - available
    key <<= place_bits
    key |= np.arange(count)
    if most < count:
        key = np.partition(key, most)[:most]
    key.sort()
    return key & ((1 << place_bits) - 1)
