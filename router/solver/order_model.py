"""The cost model of one order as an integer programme, exact to the cent.

Columns: ``takes`` - amounts of an item at a row (for an item that travels alone: one per useful delay);
``steps`` - the common shipment of a row at a step of its tariff; ``parcels`` - full parcels, where steps
would be too many; ``flags`` - a divided line has units at a row; ``delays`` - the plan is at least so late;
``opens`` - a row is used, where its shipments do not say so; ``several`` - more than one row is used;
``omissions`` - an item that is never filled in part is left out;
``depths`` - units of a SKU beyond those that cost nothing, one run of equal prices each (prices only rise).

Links are strong: an item's amount is at most the sum over the steps that can carry it of what they can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.solver.choices import I64, Choices
from router.solver.columns import Builder, expand
from router.solver.depth_runs import DepthRuns, add_depth, depth_runs
from router.solver.mathopt import F64, Model
from router.solver.options import Steps, Takes, read_steps, read_takes
from router.solver.tariffs import Carriage


@dataclass(frozen=True, slots=True)
class OrderModel:
    """A model, and the columns by which plans are read and written, int64 each."""

    choices: Choices
    quantum_grams: int
    model: Model
    takes: Takes
    steps: Steps
    runs: DepthRuns
    take_columns: I64
    step_columns: I64
    flag_of_take: I64
    """-1: none."""
    parcels_of_step: I64
    """-1: none."""
    run_columns: I64
    open_of_row: I64
    """-1: none."""
    several_column: int
    levels: I64
    """Delay costs, ascending; ``delay_columns`` stand for all but the first."""
    delay_columns: I64
    omissible: I64
    """Items that are filled or left out; ``omission_columns`` are 1 for those left out."""
    omission_columns: I64
    units_row: int
    """The row of the units filled, where they are a choice, else -1."""

    def amounts(self, values: F64) -> I64:
        """int64[R, I] from a solution."""
        found = np.zeros_like(self.choices.most)
        rounded = np.rint(values[self.take_columns]).astype(np.int64)
        np.add.at(found, (self.takes.row, self.takes.item), rounded)
        return found


def build_order_model(choices: Choices, carriage: Carriage) -> OrderModel:
    """The cheapest plan as a model. With ``allow_partial`` the units filled have a row to be bounded by."""
    return _Assembly(choices, carriage).finish()


class _Assembly:
    """Adds the blocks, one method each."""

    def __init__(self, choices: Choices, carriage: Carriage) -> None:
        self.choices = choices
        self.quantum = carriage.quantum_grams
        self.weights = choices.weight_grams // self.quantum
        self.b = Builder()
        self.takes = takes = read_takes(choices, carriage)
        self.steps = steps = read_steps(choices, carriage)
        self.runs = depth_runs(choices, takes)
        self.joint = takes.delay < 0
        rows = np.arange(len(choices.rows))
        self.step_first = np.searchsorted(steps.row, rows)
        self.step_stop = np.searchsorted(steps.row, rows, side="right")
        self.joint_count = np.bincount(takes.row[self.joint], minlength=len(rows))
        line_cents = choices.line_cents[takes.row, takes.item]
        divided = self.joint & (line_cents > 0)
        self.flagged = np.flatnonzero(divided & (self.joint_count[takes.row] > 1))
        sole = np.zeros(len(rows), np.int64)
        only = divided & (self.joint_count[takes.row] == 1)
        sole[takes.row[only]] = line_cents[only]
        none = np.zeros(0, np.int64)
        self.x = self.b.columns(takes.most, takes.cents + self.runs.folded)
        self.s = self.b.columns(np.ones_like(steps.row), steps.cents + sole[steps.row])
        self.flag_of_take = np.full(len(takes.row), -1)
        self.flag_of_take[self.flagged] = self.b.columns(np.ones_like(self.flagged), line_cents[self.flagged])
        self.parcels_of_step = np.full(len(steps.row), -1)
        self.open_of_row = np.full(len(rows), -1)
        self.several = -1
        self.levels = np.unique(np.concatenate([steps.delay, takes.delay[~self.joint]]))
        self.late = none
        self.units_row = -1
        self.left_out, self.omissions = none, none

    def finish(self) -> OrderModel:
        """All blocks, and the model."""
        self._cover()
        self._link()
        self._weigh()
        self._limit_nodes()
        self._limit_stock()
        self._delay()
        run_columns = add_depth(self.b, self.runs, self.x)
        base = int(self.levels[0]) if len(self.levels) else 0
        return OrderModel(
            choices=self.choices,
            quantum_grams=self.quantum,
            model=self.b.model(base - self.choices.split_cents),
            takes=self.takes,
            steps=self.steps,
            runs=self.runs,
            take_columns=self.x,
            step_columns=self.s,
            flag_of_take=self.flag_of_take,
            parcels_of_step=self.parcels_of_step,
            run_columns=run_columns,
            open_of_row=self.open_of_row,
            several_column=self.several,
            levels=self.levels,
            delay_columns=self.late,
            omissible=self.left_out,
            omission_columns=self.omissions,
            units_row=self.units_row,
        )

    def _cover(self) -> None:
        """Each item filled, or at most filled."""
        choices, b = self.choices, self.b
        partial = ~choices.must_fill if choices.allow_partial else np.zeros_like(choices.must_fill)
        rows = b.rows(np.where(partial & ~choices.unbroken, 0, choices.need), choices.need)
        b.terms(rows[self.takes.item], self.x, 1)
        self.left_out = np.flatnonzero(partial & choices.unbroken)
        self.omissions = b.columns(np.ones_like(self.left_out), np.zeros_like(self.left_out))
        b.terms(rows[self.left_out], self.omissions, choices.need[self.left_out])
        if choices.allow_partial:
            row = b.rows(np.zeros(1), np.full(1, np.inf))
            self.units_row = int(row[0])
            b.terms(np.repeat(row, len(self.x)), self.x, choices.units[self.takes.item])

    def _link(self) -> None:
        """Amounts need a step that can carry them; a divided line's units need its flag."""
        b, takes, steps = self.b, self.takes, self.steps
        joint = np.flatnonzero(self.joint)
        owner, step = expand(self.step_first[takes.row[joint]], self.step_stop[takes.row[joint]])
        take = joint[owner]
        weight = self.weights[takes.item[take]]
        carried = np.minimum(takes.most[take], steps.high[step] // np.maximum(1, weight))
        carried = np.where((weight == 0) | (steps.parcel[step] > 0), takes.most[take], carried)
        able = steps.willing[step, takes.item[take]] & (carried > 0)
        rows = b.at_most(np.zeros(len(joint)))
        b.terms(rows, self.x[joint], 1)
        b.terms(rows[owner[able]], self.s[step[able]], -carried[able])
        flags = self.flag_of_take[self.flagged]
        rows = b.at_most(np.zeros(len(flags)))
        b.terms(rows, self.x[self.flagged], 1)
        b.terms(rows, flags, -takes.most[self.flagged])
        rows = b.at_most(np.zeros(len(flags)))
        b.terms(rows, flags, 1)
        row_of_take = np.full(len(takes.row), -1)
        row_of_take[self.flagged] = rows
        able &= row_of_take[take] >= 0
        b.terms(row_of_take[take[able]], self.s[step[able]], -1)

    def _weigh(self) -> None:
        """Steps hold the weight of the load, and no more than a rising price would let pass."""
        b, takes, steps = self.b, self.takes, self.steps
        counted = steps.parcel > 0
        if counted.any():
            self._count_parcels(counted)
        joint = np.flatnonzero(self.joint & (self.weights[takes.item] > 0))
        many = np.zeros(len(self.choices.rows), bool)
        many[steps.row[counted]] = True
        least = many.copy()
        many |= self.joint_count > 1
        least[:] = False
        least[steps.row[steps.low > 0]] = True
        for wanted, limit, sign in ((many, steps.high, 1), (least, steps.low, -1)):
            rows = np.full(len(wanted), -1)
            rows[wanted] = b.at_most(np.zeros(int(wanted.sum())))
            own = joint[wanted[takes.row[joint]]]
            b.terms(rows[takes.row[own]], self.x[own], sign * self.weights[takes.item[own]])
            some = np.flatnonzero(wanted[steps.row] & (limit > 0))
            b.terms(rows[steps.row[some]], self.s[some], -sign * limit[some])
            first = np.flatnonzero(wanted[steps.row] & counted)
            first = first[np.unique(self.parcels_of_step[first], return_index=True)[1]]
            b.terms(rows[steps.row[first]], self.parcels_of_step[first], -sign * steps.parcel[first])

    def _count_parcels(self, counted: NDArray[np.bool_]) -> None:
        b, steps = self.b, self.steps
        at = np.flatnonzero(counted)
        pairs, first, pair = np.unique(
            np.stack([steps.row[at], steps.service[at]]), axis=1, return_index=True, return_inverse=True
        )
        amounts = np.where((self.choices.most > 0) & self.choices.joint, self.choices.most, 0)
        most = (amounts @ self.weights)[pairs[0]] // steps.parcel[at[first]]
        columns = b.columns(most, steps.parcel_cents[at[first]])
        self.parcels_of_step[at] = columns[pair.ravel()]
        rows = b.at_most(np.zeros(len(columns)))
        b.terms(rows, columns, 1)
        b.terms(rows[pair.ravel()], self.s[at], -most[pair.ravel()])

    def _limit_nodes(self) -> None:
        """One step a row; as many rows, and parts worth as much, as the strategy says."""
        b, choices, takes, steps = self.b, self.choices, self.takes, self.steps
        most = min(len(choices.rows), int(choices.need.sum()))
        limited = choices.max_nodes < most
        worth = choices.min_part_value_cents if min(choices.max_nodes, most) > 1 else 0
        rows = np.zeros(len(choices.rows), np.int64)
        single = b.at_most(np.ones(len(rows)))
        b.terms(single[steps.row], self.s, 1)
        if not (limited or worth):
            return
        mixed = np.unique(takes.row[~self.joint])
        self.open_of_row[mixed] = b.columns(np.ones_like(mixed), np.zeros_like(mixed))
        linked = b.at_most(np.zeros(len(mixed)))
        rows[mixed] = linked
        b.terms(linked, self.open_of_row[mixed], -1)
        own = np.flatnonzero(self.open_of_row[steps.row] >= 0)
        b.terms(rows[steps.row[own]], self.s[own], 1)
        self._open_for_alone()
        total = b.at_most(np.array([min(choices.max_nodes, most) if not worth else 1]))
        self._opened(np.repeat(total, len(rows)), 1)
        if worth:
            self.several = int(b.columns(np.ones(1, np.int64), np.zeros(1, np.int64))[0])
            column = np.array([self.several])
            b.terms(total, column, 1 - min(choices.max_nodes, most))
            rows = b.rows(np.full(len(rows), -worth), np.full(len(rows), np.inf))
            value = np.minimum(choices.value_cents[takes.item], worth)
            some = np.flatnonzero(value)
            b.terms(rows[takes.row[some]], self.x[some], value[some])
            self._opened(rows, -worth)
            b.terms(rows, np.repeat(column, len(rows)), -worth)

    def _open_for_alone(self) -> None:
        """An item that travels alone opens its row."""
        alone = np.flatnonzero(~self.joint)
        key = self.takes.row[alone] * len(self.choices.need) + self.takes.item[alone]
        _, first, pair = np.unique(key, return_index=True, return_inverse=True)
        rows = self.b.at_most(np.zeros(len(first)))
        self.b.terms(rows[pair], self.x[alone], 1)
        self.b.terms(rows, self.open_of_row[self.takes.row[alone[first]]], -1)

    def _opened(self, rows: I64, value: int) -> None:
        """Add ``value`` times "row r is used" to model row ``rows[r]``."""
        mixed = np.flatnonzero(self.open_of_row >= 0)
        self.b.terms(rows[mixed], self.open_of_row[mixed], value)
        own = np.flatnonzero(self.open_of_row[self.steps.row] < 0)
        self.b.terms(rows[self.steps.row[own]], self.s[own], value)

    def _limit_stock(self) -> None:
        """Where the items that share a SKU could together take more than there is."""
        choices, takes = self.choices, self.takes
        wanted = choices.most @ choices.use
        for j in np.flatnonzero((wanted > choices.cap).any(axis=0)):
            short = wanted[:, j] > choices.cap[:, j]
            rows = np.full(len(short), -1)
            rows[short] = self.b.at_most(choices.cap[short, j])
            own = np.flatnonzero(short[takes.row] & (choices.use[takes.item, j] > 0))
            self.b.terms(rows[takes.row[own]], self.x[own], choices.use[takes.item[own], j])

    def _delay(self) -> None:
        """A shipment makes the plan as late as it is itself; each level costs what it adds."""
        b, takes, steps = self.b, self.takes, self.steps
        self.late = b.columns(np.ones(max(0, len(self.levels) - 1), np.int64), np.diff(self.levels))
        rows = b.at_most(np.zeros(max(0, len(self.late) - 1)))
        b.terms(rows, self.late[1:], 1)
        b.terms(rows, self.late[:-1], -1)
        alone = np.flatnonzero(~self.joint)
        items = len(self.choices.need)
        blocks = (
            (steps.row, steps.delay, self.s),
            (takes.row[alone] * items + takes.item[alone], takes.delay[alone], self.x[alone]),
        )
        for level, column in zip(self.levels[1:].tolist(), self.late, strict=True):
            for key, delay, columns in blocks:
                keys = np.unique(key[delay == level])
                rows = b.at_most(np.zeros(len(keys)))
                own = np.flatnonzero((delay >= level) & np.isin(key, keys))
                b.terms(rows[np.searchsorted(keys, key[own])], columns[own], 1)
                b.terms(rows, np.repeat(column, len(rows)), -1)
