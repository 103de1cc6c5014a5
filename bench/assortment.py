"""What a retailer sells and how much of it lies where: categories, SKUs, popularity, stock rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.geography import DATA
from router.domain import NodeType
from router.errors import InvalidInput
from router.network import Node

# Popularity follows Zipf and Mandelbrot, 1 / (rank + 20) ^ 0.9: a long tail without a single runaway seller.
_ZIPF_SHIFT, _ZIPF_EXPONENT = 20.0, 0.9
# Shares of the SKUs: gone everywhere; gone from all but some shops; sent by their supplier only.
_SOLD_OUT, _END_OF_SEASON, _DIRECT = 0.025, 0.07, 0.06
_STORE_WEIGHT = {"flagship": 2.2, "city": 1.0, "small": 0.55}
_STORE_DEPTH = {"flagship": 1.7, "city": 1.0, "small": 0.7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of goods. ``appeal`` multiplies the popularity of its SKUs; weights are log-normal around the
    median, values too."""

    name: str
    prefix: str
    share_percent: int
    appeal: float
    median_grams: int
    max_grams: int
    median_value_cents: int
    labels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The SKUs on sale, S of them, by ascending id.

    | column | dtype, shape | meaning |
    |---|---|---|
    | category_ix | int16[S] | row in ``categories`` |
    | weight_grams | int32[S] | weight of one unit |
    | unit_value_cents | int64[S] | sales value of one unit |
    | popularity | float64[S] | share of all order lines, sums to 1 |
    """

    categories: tuple[Category, ...]
    sku_ids: tuple[str, ...]
    category_ix: NDArray[np.int16]
    weight_grams: NDArray[np.int32]
    unit_value_cents: NDArray[np.int64]
    popularity: NDArray[np.float64]

    def labels(self, row: int) -> frozenset[str]:
        """Handling labels of one SKU, and the name of its category."""
        category = self.categories[int(self.category_ix[row])]
        return category.labels | {category.name}

    def rows_of(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """bool[S]: the SKU belongs to one of these categories."""
        wanted = [i for i, c in enumerate(self.categories) if c.name in names]
        belongs: NDArray[np.bool_] = np.isin(self.category_ix, wanted)
        return belongs


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRows:
    """R stock rows, node by node: ``on_hand[r]`` units of SKU row ``sku_ix[r]`` at node row ``node_ix[r]``,
    all int32[R]; no pair appears twice."""

    sku_ix: NDArray[np.int32]
    node_ix: NDArray[np.int32]
    on_hand: NDArray[np.int32]


def load_categories() -> tuple[Category, ...]:
    """From ``data/categories.csv``."""
    with (DATA / "categories.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Category(
                name=row["category"],
                prefix=row["prefix"],
                share_percent=int(row["share_percent"]),
                appeal=float(row["appeal"]),
                median_grams=int(row["median_grams"]),
                max_grams=int(row["max_grams"]),
                median_value_cents=int(row["median_value_cents"]),
                labels=frozenset(row["labels"].split()),
            )
            for row in csv.DictReader(file)
        )


def make_range(rng: np.random.Generator, count: int) -> Range:
    """``count`` SKUs spread over the categories."""
    categories = tuple(sorted(load_categories(), key=lambda c: c.prefix))
    counts = apportion(count, np.array([c.share_percent for c in categories], np.float64))
    category_ix = np.repeat(np.arange(len(categories), dtype=np.int16), counts)
    sku_ids = [
        f"{c.prefix}-{i:05d}" for c, n in zip(categories, counts, strict=True) for i in range(1, n + 1)
    ]

    def per_sku(values: list[float]) -> NDArray[np.float64]:
        return np.array(values, np.float64)[category_ix]

    grams = per_sku([c.median_grams for c in categories]) * rng.lognormal(0.0, 0.5, count)
    grams = np.clip(grams, 30, per_sku([c.max_grams for c in categories]))
    euros = per_sku([c.median_value_cents for c in categories]) * rng.lognormal(0.0, 0.55, count) / 100
    shares = (rng.permutation(count) + _ZIPF_SHIFT) ** -_ZIPF_EXPONENT * per_sku(
        [c.appeal for c in categories]
    )
    return Range(
        categories=categories,
        sku_ids=tuple(sku_ids),
        category_ix=category_ix,
        weight_grams=(np.round(grams / 10) * 10).astype(np.int32),
        # Shops like prices that end in 90.
        unit_value_cents=np.maximum(1, np.round(euros)).astype(np.int64) * 100 - 10,
        popularity=shares / shares.sum(),
    )


def apportion(
    total: int, weights: NDArray[np.float64], caps: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Whole shares of ``total`` in proportion to ``weights``, none above its cap. Raises InvalidInput when
    the caps leave no room for the total."""
    caps = np.full(len(weights), total, np.int64) if caps is None else caps
    if caps[weights > 0].sum() < total:
        raise InvalidInput.at(
            "total", f"{total} is more than the {caps[weights > 0].sum()} there is room for"
        )
    shares = np.zeros(len(weights), np.int64)
    while (left := total - int(shares.sum())) > 0:
        room = np.where(shares < caps, weights, 0.0)
        exact = left * room / room.sum()
        step = np.minimum(exact.astype(np.int64), caps - shares)
        if np.all(step == exact.astype(np.int64)):
            # No cap binds: the largest fractions get what rounding down has left, of equal ones the first.
            fractions = np.where((room > 0) & (shares + step < caps), exact - step, -1.0)
            spare = min(left - int(step.sum()), np.count_nonzero(fractions >= 0))
            step[np.argsort(-fractions, kind="stable")[:spare]] += 1
        shares += step
    return shares


_Shelf = tuple[NDArray[np.int64], NDArray[np.int64]]
"""SKU rows at one node, and the units of each."""


@dataclass(frozen=True, slots=True)
class _Fates:
    """What becomes of each SKU. supplier: int64[S], the node row of the one that sends it, -1 for none;
    the others bool[S]."""

    supplier: NDArray[np.int64]
    is_sold_out: NDArray[np.bool_]
    is_ending: NDArray[np.bool_]
    is_direct: NDArray[np.bool_]


def make_stock(
    rng: np.random.Generator,
    goods: Range,
    nodes: Sequence[Node],
    site_categories: dict[str, list[str]],
    rows: int,
) -> StockRows:
    """Exactly ``rows`` stock rows: sites deep and broad, suppliers deep in their own SKUs, and for the stores
    what is left, by size. Rows with nothing on hand are part of it.

    Raises InvalidInput when ``rows`` is fewer than the sites need or more than there are pairs.
    """
    fates = _fates(rng, goods, nodes, site_categories)
    parts: dict[int, _Shelf] = {}
    for k, node in enumerate(nodes):
        if node.node_type is not NodeType.STORE:
            parts[k] = _site_stock(rng, goods, fates, k, node, site_categories[node.node_id])
    stores = [k for k, node in enumerate(nodes) if node.node_type is NodeType.STORE]
    left = rows - sum(len(skus) for skus, _ in parts.values())
    if left < 0:
        raise InvalidInput.at(
            "stock_rows", f"{rows} is fewer than the {rows - left} of warehouses and suppliers"
        )
    parts.update(_store_stock(rng, goods, fates, nodes, stores, left))
    order = sorted(parts)
    return StockRows(
        sku_ix=np.concatenate([parts[k][0] for k in order]).astype(np.int32),
        node_ix=np.repeat(order, [len(parts[k][0]) for k in order]).astype(np.int32),
        on_hand=np.concatenate([parts[k][1] for k in order]).astype(np.int32),
    )


def _fates(
    rng: np.random.Generator, goods: Range, nodes: Sequence[Node], site_categories: dict[str, list[str]]
) -> _Fates:
    count = len(goods.sku_ids)
    supplier = np.full(count, -1, np.int64)
    for i, category in enumerate(goods.categories):
        makers = [
            k
            for k, node in enumerate(nodes)
            if node.node_type is NodeType.SUPPLIER and category.name in site_categories[node.node_id]
        ]
        skus = np.flatnonzero(goods.category_ix == i)
        if makers:
            supplier[skus] = rng.choice(np.array(makers), len(skus))
    supplier[rng.random(count) < 0.3] = -1
    draw = rng.random(count)
    gone = _SOLD_OUT + _END_OF_SEASON
    return _Fates(
        supplier=supplier,
        is_sold_out=draw < _SOLD_OUT,
        is_ending=draw < gone,
        is_direct=(draw >= gone) & (draw < gone + _DIRECT) & (supplier >= 0),
    )


def _site_stock(
    rng: np.random.Generator, goods: Range, fates: _Fates, node_ix: int, node: Node, categories: list[str]
) -> _Shelf:
    """A supplier's own SKUs, or four in five of what a warehouse or distribution centre handles."""
    if node.node_type is NodeType.SUPPLIER:
        skus = np.flatnonzero(fates.supplier == node_ix)
        depth = rng.gamma(1.5, 25.0, len(skus))
    else:
        listed = rng.random(len(goods.sku_ids)) < 0.80
        skus = np.flatnonzero(listed & goods.rows_of(categories) & ~fates.is_direct)
        # Cover differs widely from SKU to SKU, and one in eight waits for its next delivery.
        depth = (10.0 + 100_000.0 * goods.popularity[skus]) * rng.gamma(0.8, 1.25, len(skus))
        depth[rng.random(len(skus)) < 0.12] = 0.0
    return skus, np.where(fates.is_ending[skus], 0, depth).astype(np.int64)


def _store_stock(
    rng: np.random.Generator,
    goods: Range,
    fates: _Fates,
    nodes: Sequence[Node],
    stores: Sequence[int],
    rows: int,
) -> dict[int, _Shelf]:
    """By node row: popular SKUs first, but no two stores alike."""
    bulky, cold, hazardous = (_labelled(goods, label) for label in ("bulky", "cold", "hazardous"))
    may_list = np.tile(~fates.is_direct, (len(stores), 1))
    sizes = []
    for i, k in enumerate(stores):
        labels = nodes[k].labels
        sizes.append(next(size for size in _STORE_WEIGHT if size in labels))
        for goods_rows, permit in ((bulky, "freight"), (cold, "cold"), (hazardous, "hazmat")):
            if permit not in labels:
                may_list[i, goods_rows] = False
    weights = np.array([_STORE_WEIGHT[s] for s in sizes]) * rng.lognormal(0.0, 0.15, len(sizes))
    try:
        counts = apportion(rows, weights, may_list.sum(axis=1))
    except InvalidInput as error:
        raise InvalidInput.at("stock_rows", f"more than stores have room for: {error.message}") from error
    expected = np.log(goods.popularity * len(goods.sku_ids))
    found = {}
    for i, k in enumerate(stores):
        # The greatest of log weight + Gumbel noise are a sample without replacement.
        score = np.where(may_list[i], 0.8 * expected + rng.gumbel(size=len(expected)), -np.inf)
        skus = np.sort(np.argsort(-score, kind="stable")[: counts[i]])
        mean = _STORE_DEPTH[sizes[i]] * (0.7 + 0.9 * np.minimum(5.0, np.exp(expected[skus])))
        units = rng.poisson(mean * np.where(bulky[skus], 0.4, 1.0))
        found[k] = skus, np.where(fates.is_sold_out[skus], 0, units)
    return found


def _labelled(goods: Range, label: str) -> NDArray[np.bool_]:
    return goods.rows_of([c.name for c in goods.categories if label in c.labels])
