"""Decision keys: 128 bits from everything a decision depends on, so that equal inputs give equal ids."""

from __future__ import annotations

import numpy as np

from router.kernels.jit import kernel
from router.kernels.text import hash_bytes, mix
from router.kernels.types import I64, U8, U64, OrderArrays


@kernel
def decision_keys(
    orders: OrderArrays, id_data: U8, id_offsets: I64, now: int, stock_version: int, rules_key: int, out: U64
) -> None:
    """``out`` uint64[B, 2]; the order's id is ``id_data[id_offsets[b]:id_offsets[b + 1]]``."""
    degrees = orders.xyz.view(np.int64)
    for b in range(len(out)):
        order_id = hash_bytes(id_data, id_offsets[b], id_offsets[b + 1])
        left, right = mix(order_id, np.uint64(0)), mix(order_id, np.uint64(1))
        for value in (
            np.uint64(now),
            np.uint64(stock_version),
            np.uint64(rules_key),
            np.uint64(orders.country[b]),
            np.uint64(orders.zone[b]),
            np.uint64(orders.channel[b]),
            np.uint64(orders.segment[b]),
            np.uint64(orders.profile[b]),
            np.uint64(orders.deliver_by_seconds[b]),
            np.uint64(degrees[b, 0]),
            np.uint64(degrees[b, 1]),
            np.uint64(degrees[b, 2]),
        ):
            left, right = mix(left, value), mix(right, value)
        for i in range(orders.line_start[b], orders.line_start[b + 1]):
            for value in (
                np.uint64(orders.sku_ix[i]),
                np.uint64(orders.quantity[i]),
                np.uint64(orders.unit_value_cents[i]),
                np.uint64(orders.group[i] * 2 + orders.alone[i]),
            ):
                left, right = mix(left, value), mix(right, value)
        out[b, 0], out[b, 1] = left, right
