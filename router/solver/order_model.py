"""The cost model of one order as an integer programme, exact to the cent.

Columns: ``takes`` - amounts of an item at a row (for an item that travels alone: one per useful delay);
``steps`` - the common shipment of a row at a step of its tariff; ``parcels`` - full parcels, where steps
would be too many; ``flags`` - a divided line has units at a row; ``delays`` - the plan is at least so late;
``opens`` - a row is used, where its shipments do not say so; ``several`` - more than one row is used;
``depths`` - units of a SKU beyond those that cost nothing, one run of equal prices each (prices only rise).

Links are strong: an item's amount is at most the sum over the steps that can carry it of what they can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.solver.choices import I64, Choices
from router.solver.columns import Builder, expand
from router.solver.costing import Priced
from router.solver.mathopt import F64, Model
from router.solver.options import Steps, Takes, read_steps, read_takes
from router.solver.tariffs import Carriage

DEPTH_RUNS = 128
"""Runs of stock-depth prices of a SKU at a row. Where there would be more, prices are rounded down to the
least of each run: the model then is a lower bound, no more."""


@dataclass(frozen=True, slots=True)
class OrderModel:
    """A model with the columns by which plans are read and written.

    Each column block is int64[...]; ``flag_of_take`` and ``parcel_of_step`` hold -1 for none.
    """

    choices: Choices
    carriage: Carriage
    model: Model
    takes: Takes
    steps: Steps
    take_columns: I64
    step_columns: I64
    flag_of_take: I64
    parcel_of_step: I64
    depth_rows: list[tuple[int, int, int, I64, I64]]
    """(row, SKU, units at no cost, columns of the runs, their lengths)."""
    open_columns: I64
    several_column: int
    levels: I64
    """Delay costs, ascending; ``delay_columns`` stand for all but the first."""
    delay_columns: I64
    unit_row: int
    """The row of the units filled; -1 where every unit must be."""

    def amounts(self, values: F64) -> I64:
        """int64[R, I] from a solution."""
        found = np.zeros_like(self.choices.most)
        rounded = np.rint(values[self.take_columns]).astype(np.int64)
        np.add.at(found, (self.takes.row, self.takes.item), rounded)
        return found
