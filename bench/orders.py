"""Orders as they come in: from where people live, for what sells, most of them small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.france import World, moved
from bench.geography import Place
from router.domain import Destination, Order, OrderLine, SalesChannel

# Shares of orders with 1, 2, ... 8 lines: 2.3 lines an order.
_LINE_SHARES = (0.42, 0.24, 0.14, 0.085, 0.05, 0.033, 0.02, 0.012)
_QUANTITIES, _QUANTITY_SHARES = (1, 2, 3, 4, 5, 6), (0.78, 0.15, 0.045, 0.015, 0.005, 0.005)
_CHANNEL_SHARES = {
    SalesChannel.WEB: 0.60,
    SalesChannel.MOBILE: 0.23,
    SalesChannel.MARKETPLACE: 0.07,
    SalesChannel.STORE: 0.05,
    SalesChannel.CALL_CENTER: 0.02,
    SalesChannel.KIOSK: 0.02,
    SalesChannel.SOCIAL: 0.01,
}
_SEGMENT_SHARES = {"": 0.80, "express": 0.08, "vip": 0.08, "pro": 0.04}
_ABROAD_SHARE = 0.035
_ABROAD_WEIGHT = {"BE": 6.0, "LU": 4.0, "ES": 1.0, "DE": 0.6, "IT": 0.6, "PT": 1.0}
_HOUR_SECONDS = 3_600


def generate_orders(world: World, count: int, seed: int, *, now_seconds: int) -> list[Order]:
    """``count`` valid orders, the same for the same arguments. Deadlines lie after ``now_seconds``."""
    # Apart from the streams that built the world.
    rng = np.random.default_rng((seed, 100))
    line_counts = rng.choice(np.arange(1, len(_LINE_SHARES) + 1), count, p=_LINE_SHARES)
    sku_rows = _popular(rng, world.goods.popularity, int(line_counts.sum()))
    destinations = _destinations(rng, world, count)
    channels = rng.choice(np.array(list(_CHANNEL_SHARES)), count, p=list(_CHANNEL_SHARES.values()))
    segments = rng.choice(np.array(list(_SEGMENT_SHARES)), count, p=list(_SEGMENT_SHARES.values()))
    ends = np.cumsum(line_counts)
    orders = []
    for i in range(count):
        segment = str(segments[i])
        rows = sku_rows[ends[i] - line_counts[i] : ends[i]]
        orders.append(
            Order(
                order_id=f"order-{seed}-{i + 1:06d}",
                lines=_lines(rng, world, rows, is_pro=segment == "pro"),
                destination=destinations[i],
                sales_channel=SalesChannel(int(channels[i])),
                customer_segment=segment,
                deliver_by_seconds=_deadline(rng, now_seconds, is_express=segment == "express"),
            )
        )
    return orders


def _popular(rng: np.random.Generator, shares: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """int64[count]: rows drawn by their shares."""
    steps = np.cumsum(shares)
    rows: NDArray[np.int64] = np.searchsorted(steps, rng.random(count) * steps[-1], side="right")
    return rows


def _destinations(rng: np.random.Generator, world: World, count: int) -> list[Destination]:
    """By population, a few abroad; around the town's centre, wider around larger towns."""
    places = (*world.places, *world.foreign_places)
    home = np.array([p.population for p in world.places], np.float64)
    away = np.array([p.population * _ABROAD_WEIGHT[p.country] for p in world.foreign_places])
    shares = np.concatenate([home / home.sum() * (1 - _ABROAD_SHARE), away / away.sum() * _ABROAD_SHARE])
    offsets = rng.normal(size=(count, 2))
    return [
        _destination(places[row], offsets[i]) for i, row in enumerate(_popular(rng, shares, count).tolist())
    ]


def _destination(place: Place, offset: NDArray[np.float64]) -> Destination:
    spread_m = min(3_000.0, 600.0 + 6.0 * place.population**0.5)
    north_m, east_m = np.clip(offset, -2.5, 2.5) * spread_m
    latitude, longitude = moved(place, float(north_m), float(east_m))
    return Destination(
        country=place.country, postal_code=place.postal_code, latitude=latitude, longitude=longitude
    )


def _lines(
    rng: np.random.Generator, world: World, sku_rows: NDArray[np.int64], *, is_pro: bool
) -> tuple[OrderLine, ...]:
    """Bulky and cold goods travel alone when other goods are in the basket; six in a hundred of the larger
    baskets have two lines that must stay together (a coat and its belt). The same SKU may come twice."""
    goods = world.goods
    quantities = rng.choice(_QUANTITIES, len(sku_rows), p=_QUANTITY_SHARES)
    if is_pro and rng.random() < 0.4:
        quantities[0] = rng.integers(8, 41)
    alone = [len(sku_rows) > 1 and bool(goods.labels(r) & {"bulky", "cold"}) for r in sku_rows.tolist()]
    plain = [i for i, is_alone in enumerate(alone) if not is_alone]
    together = set(plain[:2]) if len(plain) >= 2 and rng.random() < 0.06 else set()
    return tuple(
        OrderLine(
            line_id=str(i + 1),
            sku_id=goods.sku_ids[row],
            quantity=1 if alone[i] else int(quantities[i]),
            together="set" if i in together else "",
            ship_alone=alone[i],
        )
        for i, row in enumerate(sku_rows.tolist())
    )


def _deadline(rng: np.random.Generator, now_seconds: int, *, is_express: bool) -> int | None:
    """Half of the express orders name one, in one to two days; of the others one in 25, in two to seven."""
    draw, hours = rng.random(2)
    if is_express:
        return now_seconds + (24 + int(hours * 24)) * _HOUR_SECONDS if draw < 0.5 else None
    return now_seconds + (48 + int(hours * 120)) * _HOUR_SECONDS if draw < 0.04 else None
