"""Instances after the generator of Ma (M&SOM 25(4):1324-1337, 2023; arXiv 2207.04774) and their order
sequences; written from a description, with the same draw order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.us_network import CENTRES, FIVE_CENTRES, Carriage, carriage, regions
from router.prices.plans import UNLIMITED, Menu

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

EARTH_RADIUS_MILES = 6371.0 / 1.61
NO_ORDER = -1


class Network(NamedTuple):
    """Sizes. ``carry``: probability that a centre carries an item; ``periods``: at most one order in each."""

    regions: int
    centres: tuple[str, ...]
    items: int
    longest_order: int
    types_per_size: int
    periods: int
    carry: float


NETWORKS = {
    "small": Network(10, FIVE_CENTRES, 20, 5, 5, 10_000, 0.75),
    "large": Network(99, tuple(CENTRES), 100, 10, 10, 100_000, 0.5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An order type and a region make a class; class = type * regions + region. Costs in dollars.

    menu: lines and costs of the classes; its last node stands for not serving. rate: float64[classes],
    chance of an order of the class in a period; what is missing to 1 is a period without. stock:
    int64[cells], cell = item * centres + centre. line_item: int64[lines]; attached: int64[lines], the node
    each line is served from in the first place.
    """

    menu: Menu
    rate: F64
    stock: I64
    line_item: I64
    attached: I64
    periods: int

    @property
    def demand(self) -> F64:
        """float64[classes]: orders expected over all periods."""
        return self.rate * self.periods

    @property
    def price_ceiling(self) -> float:
        """Dollars: no unit is worth more than leaving its line out, twice over."""
        costs = self.menu.line_cost
        return 2 * float(self.menu.fixed_cost.max() + costs[np.isfinite(costs)].max())


def generate(network: Network, seed: int, periods: int | None = None) -> Instance:
    """The instance of a seed. ``periods``: another horizon, with stock in proportion."""
    rng = np.random.default_rng(seed)
    places = regions(network.regions)
    costs = carriage(places.degrees, network.centres, earth_radius_miles=EARTH_RADIUS_MILES)
    sizes = range(1, network.longest_order + 1)
    kinds = [rng.permutation(network.items)[:n] for n in sizes for _ in range(network.types_per_size)]
    kind_rate = _kind_rates(rng, network)
    carries = np.array([rng.random(len(network.centres)) < network.carry for _ in range(network.items)])
    rate = np.outer(kind_rate, places.population / places.population.sum())
    horizon = network.periods if periods is None else periods

    def lay_in(due: F64) -> F64:
        """Expected use and half a standard deviation."""
        return np.round(horizon * due + 0.5 * np.sqrt(horizon * due * (1 - due)))

    return assemble(kinds, rate, carries, costs, horizon, lay_in)


def _kind_rates(rng: np.random.Generator, network: Network) -> F64:
    """float64[types]: empty orders have the rest."""
    empty = rng.random()
    size = np.array([rng.random() for _ in range(network.longest_order)])
    share = size / (empty + size.sum())
    rates = []
    for chance in share:
        weight = rng.random(network.types_per_size)
        rates.append(chance * weight / weight.sum())
    return np.concatenate(rates)


def assemble(
    kinds: Sequence[I64],
    rate: F64,
    carries: NDArray[np.bool_],
    costs: Carriage,
    periods: int,
    lay_in: Callable[[F64], F64],
) -> Instance:
    """Menu, nearest centres and stock. rate: float64[types, regions]; carries: bool[items, centres];
    lay_in: from the chance that a period needs a unit of a cell, if each line is served from its nearest
    centre, to units."""
    region_count, node_count = costs.unit.shape
    centre_count = node_count - 1
    nearest = nearest_carrying(carries, costs.miles)
    kind_item = np.concatenate([np.tile(kind, region_count) for kind in kinds])
    length = np.repeat([len(kind) for kind in kinds], region_count)
    line_start = np.concatenate([[0], np.cumsum(length)])
    line_region = np.repeat(np.tile(np.arange(region_count), len(kinds)), length)
    line_cost = costs.unit[line_region].copy()
    line_cost[:, :centre_count][~carries[kind_item]] = np.inf
    line_cell = np.full((len(kind_item), node_count), UNLIMITED, dtype=np.int64)
    line_cell[:, :centre_count] = kind_item[:, None] * centre_count + np.arange(centre_count)
    attached = nearest[kind_item, line_region]
    line_rate = np.repeat(rate.ravel(), length)
    due = np.zeros((carries.shape[0], node_count))
    np.add.at(due, (kind_item, attached), line_rate)
    stock = lay_in(due[:, :centre_count])
    return Instance(
        menu=Menu(line_start, line_cost, line_cell, costs.shipment),
        rate=rate.ravel(),
        stock=stock.astype(np.int64).ravel(),
        line_item=kind_item,
        attached=attached,
        periods=periods,
    )


def nearest_carrying(carries: NDArray[np.bool_], miles: F64) -> I64:
    """int64[items, regions]: the nearest centre that carries an item, or the number of centres for none."""
    distance = np.where(carries[:, None, :], miles[None, :, :], np.inf)
    return np.where(carries.any(axis=1)[:, None], distance.argmin(axis=2), miles.shape[1])


def draw_sequence(instance: Instance, seed: int, sequence: int) -> I64:
    """int64[periods]: the class of each period's order, or NO_ORDER. The same for every policy."""
    rng = np.random.default_rng((seed, sequence))
    edges = np.cumsum(instance.rate)
    drawn = np.searchsorted(edges, rng.random(instance.periods), side="right")
    return np.where(drawn < len(edges), drawn, NO_ORDER)


def counts(instance: Instance, sequence: I64) -> F64:
    """float64[classes]: how many orders of each class come."""
    return np.bincount(sequence[sequence >= 0], minlength=len(instance.rate)).astype(np.float64)
