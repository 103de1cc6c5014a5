"""One order as an integer programme for OR-Tools: the rival of the subset programme.

Two formulations, both filled from arrays (MathOpt's expressions cost 20 to 40 times as much) and both as
tight as can be had without solving the order on the way:

- ASSIGNMENT: a binary per line and node, and one per node and tariff step; the textbook's compact model.
- PARTITION: a binary per node, subset of lines and service, priced beforehand; few rows, for short orders.

They take orders whose lines travel whole, in one parcel a node, under rules without a least shipment value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from router.problem import Problem
from router.solver.choices import Choices, read_choices
from router.solver.columns import Builder
from router.solver.costing import Tariff, read_tariffs
from router.solver.limits import SearchLimits
from router.solver.mathopt import Ending, Model, Solver, solve

I64 = NDArray[np.int64]
NO_OPTION = 1 << 40
"""Cents of what cannot be had."""
LIMITS = SearchLimits(node_limit=1_000_000, time_limit_seconds=60.0)


class Formulation(Enum):
    ASSIGNMENT = "assignment"
    PARTITION = "partition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a modeller starts from, for R nodes, L lines and V services.

    able: bool[R, L]. line_cents: int64[R, L], all costs of a line but its share of the shipment. ship_cents:
    int64[R] per shipment before the tariff. weight_grams: int64[L]. lane: int64[R, V], -1 for none.
    delay_cents: int64[R, V]. tariffs: by lane.
    """

    able: NDArray[np.bool_]
    line_cents: I64
    ship_cents: I64
    weight_grams: I64
    lane: I64
    delay_cents: I64
    tariffs: dict[int, Tariff]
    split_cents: int
    max_nodes: int


def exact_by_ortools(problem: Problem, solver_name: str, formulation: Formulation) -> int:
    """Cents of the cheapest plan, by the solver "SCIP", "HIGHS" or "CP_SAT". Raises ValueError for an order
    the models do not take, RuntimeError when the solver does not prove an optimum."""
    return solve_prices(read_prices(problem), Solver[solver_name], formulation)


def read_prices(problem: Problem) -> Prices:
    """Raises ValueError for an order the models do not take."""
    choices = read_choices(problem)
    tariffs = read_tariffs(choices)
    heaviest = int(choices.weight_grams.sum())
    shared = choices.use.shape[0] != choices.use.shape[1]
    if (
        not choices.whole.all()
        or choices.alone.any()
        or shared
        or choices.allow_partial
        or choices.min_part_value_cents
        or not choices.takes[np.unique(choices.lane[choices.lane >= 0])].all()
        or any(heaviest > tariff.grams[-1] for tariff in tariffs.values())
    ):
        raise ValueError("the models take orders of whole lines, one parcel a node, and plain limits only")
    return Prices(
        able=choices.most > 0,
        line_cents=choices.cents + _depth(choices),
        ship_cents=choices.ship_cents,
        weight_grams=choices.weight_grams,
        lane=choices.lane,
        delay_cents=choices.delay_cents,
        tariffs=tariffs,
        split_cents=choices.split_cents,
        max_nodes=choices.max_nodes,
    )


def _depth(choices: Choices) -> I64:
    """int64[R, L]: stock depth of taking each line whole."""
    units = choices.use.max(axis=1)
    sku = choices.use.argmax(axis=1)
    rows = np.arange(len(choices.rows))
    have = choices.available[:, sku]
    return choices.depth.cents(rows, have, np.broadcast_to(np.where(choices.most > 0, units, 0), have.shape))


def solve_prices(prices: Prices, solver: Solver, formulation: Formulation) -> int:
    """Build and solve: what is timed. Raises RuntimeError when no optimum is proven."""
    if formulation is Formulation.ASSIGNMENT:
        return round(_optimum(assignment_model(prices), solver)[1])
    model, row_of_column = partition_model(prices)
    values, cents = _optimum(model, solver)
    used = row_of_column[values[: len(row_of_column)] > 0.5]
    if len(np.unique(used)) < len(used):  # two parcels of one node: forbidden, and hardly ever cheaper
        values, cents = _optimum(_once_a_node(model, row_of_column, len(prices.able)), solver)
    return round(cents)


def _optimum(model: Model, solver: Solver) -> tuple[NDArray[np.float64], float]:
    answer = solve(model, LIMITS, solver=solver)
    if answer.ending is not Ending.OPTIMAL or answer.values is None:
        raise RuntimeError(f"{solver.name}: {answer.ending.name}, stopped by {answer.stopped_by!r}")
    return answer.values, float(answer.values @ model.cost) + model.offset


def subset_weights(weight_grams: I64) -> tuple[NDArray[np.bool_], I64]:
    """Every non-empty subset of lines, bool[2^L - 1, L], and its weight."""
    lines = len(weight_grams)
    members = (np.arange(1, 1 << lines)[:, None] >> np.arange(lines) & 1).astype(bool)
    return members, members @ weight_grams


def assignment_model(prices: Prices) -> Model:
    """Lines to nodes, and the tariff step of every node's parcel."""
    _, loads = subset_weights(prices.weight_grams)
    row, holds, cents, delay = _steps(prices, np.unique(loads))
    b = Builder()
    node, line = np.nonzero(prices.able)
    x = b.columns(np.ones_like(node), prices.line_cents[node, line])
    s = b.columns(np.ones_like(row), cents + prices.split_cents)
    cover = b.rows(np.ones(prices.able.shape[1]), np.ones(prices.able.shape[1]))
    b.terms(cover[line], x, 1)
    first, stop = np.searchsorted(row, node), np.searchsorted(row, node, side="right")
    link = b.at_most(np.zeros(len(x)))
    b.terms(link, x, 1)
    owner = np.repeat(np.arange(len(x)), stop - first)
    step = np.concatenate([np.arange(i, j) for i, j in zip(first.tolist(), stop.tolist(), strict=True)])
    carries = holds[step] >= prices.weight_grams[line[owner]]
    b.terms(link[owner[carries]], s[step[carries]], -1)
    weigh = b.at_most(np.zeros(len(prices.able)))
    b.terms(weigh[node], x, prices.weight_grams[line])
    b.terms(weigh[row], s, -holds)
    _limit(b, prices, s)
    _delays(b, s, delay, row, prices)
    return b.model(-prices.split_cents)


def _steps(prices: Prices, loads: I64) -> tuple[I64, I64, I64, I64]:
    """Row, greatest load, cents and delay cost of the steps worth having: of those that hold as much as
    another, cost no more and are no later, one is kept. By row."""
    shape = (*prices.lane.shape, len(loads))
    cents = _tariff_cents(prices, loads) + prices.ship_cents[:, None, None]
    load = np.broadcast_to(loads, shape).reshape(shape[0], -1)
    delay = np.broadcast_to(prices.delay_cents[:, :, None], shape).reshape(shape[0], -1)
    cents = cents.reshape(shape[0], -1)
    place = np.arange(load.shape[1])
    equal_or_better = (
        (load[:, :, None] >= load[:, None, :])
        & (cents[:, :, None] <= cents[:, None, :])
        & (delay[:, :, None] <= delay[:, None, :])
    )
    # Of two that are equal in all, the earlier stays.
    same = equal_or_better & equal_or_better.transpose(0, 2, 1)
    beaten = np.any(equal_or_better & (~same | (place[:, None] < place)), axis=1)
    row, at = np.nonzero(~beaten & (cents < NO_OPTION))
    return row, load[row, at], cents[row, at], delay[row, at]


def _tariff_cents(prices: Prices, weights: I64) -> I64:
    """int64[R, V, weights], NO_OPTION where there is no lane."""
    lanes = np.full((int(prices.lane.max(initial=0)) + 2, len(weights)), NO_OPTION)
    for lane, tariff in prices.tariffs.items():
        lanes[lane] = tariff.prices(weights)
    found: I64 = lanes[prices.lane]  # lane -1 looks up the last row
    return found


def partition_model(prices: Prices) -> tuple[Model, I64]:
    """Whole parcels: node and subset of lines. Also the row of each of the first columns."""
    members, weights = subset_weights(prices.weight_grams)
    lacking: NDArray[np.bool_] = np.any(members & ~prices.able[:, None, :], axis=2)
    goods = prices.line_cents @ members.T + prices.ship_cents[:, None]
    cents = (_tariff_cents(prices, weights) + goods[:, None, :]).transpose(0, 2, 1)
    delay = np.broadcast_to(prices.delay_cents[:, None, :], cents.shape)
    services = np.arange(cents.shape[2])
    better = (cents[..., :, None] <= cents[..., None, :]) & (delay[..., :, None] <= delay[..., None, :])
    same = better & better.swapaxes(2, 3)
    beaten = np.any(better & (~same | (services[:, None] < services)), axis=2)
    row, subset, service = np.nonzero(~lacking[:, :, None] & ~beaten & (cents < NO_OPTION))
    b = Builder()
    z = b.columns(np.ones_like(row), cents[row, subset, service] + prices.split_cents)
    cover = b.rows(np.ones(members.shape[1]), np.ones(members.shape[1]))
    column, line = np.nonzero(members[subset])
    b.terms(cover[line], z[column], 1)
    _limit(b, prices, z)
    _delays(b, z[column], delay[row, subset, service][column], line, prices)
    return b.model(-prices.split_cents), row


def _limit(b: Builder, prices: Prices, parcels: I64) -> None:
    if prices.max_nodes < prices.able.shape[1]:
        row = b.at_most(np.full(1, prices.max_nodes))
        b.terms(np.repeat(row, len(parcels)), parcels, 1)


def _delays(b: Builder, columns: I64, delay: I64, key: I64, prices: Prices) -> None:
    """The plan pays each level of delay that one of its parcels reaches; of the columns with equal ``key`` at
    most one is chosen."""
    levels = np.unique(delay)
    steps = np.diff(levels, prepend=0)
    late = b.columns(np.ones_like(levels), steps)
    for level, column in zip(levels.tolist(), late, strict=True):
        at = np.flatnonzero(delay >= level)
        keys, row = np.unique(key[at], return_inverse=True)
        rows = b.at_most(np.zeros(len(keys)))
        b.terms(rows[row], columns[at], 1)
        b.terms(rows, np.repeat(column, len(rows)), -1)


def _once_a_node(model: Model, row_of_column: I64, rows: int) -> Model:
    """The model with a row more for every node: one parcel at most."""
    first = len(model.row_lower)
    return replace(
        model,
        row_lower=np.append(model.row_lower, np.full(rows, -np.inf)),
        row_upper=np.append(model.row_upper, np.ones(rows)),
        entry_row=np.append(model.entry_row, first + row_of_column),
        entry_column=np.append(model.entry_column, np.arange(len(row_of_column))),
        entry_value=np.append(model.entry_value, np.ones(len(row_of_column))),
    )
