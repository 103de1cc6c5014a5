"""The columns of an order's model that plans are made of: takes, and steps of common shipments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.solver.choices import I64, Bools, Choices
from router.solver.tariffs import Carriage, alone_fares, joint_steps


@dataclass(frozen=True, slots=True)
class Takes:
    """Amounts of items at rows, int64[takes] each. ``cents`` per amount; ``delay`` of the shipment of an
    item that travels alone, -1 for others."""

    row: I64
    item: I64
    most: I64
    cents: I64
    delay: I64


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of common shipments, by row, int64[steps] each. ``low``, ``high``: weight quanta; ``cents``: all
    that the shipment costs by itself; ``parcel`` > 0: any number of full parcels may be added;
    ``willing`` bool[steps, I]: the items that it may carry."""

    row: I64
    low: I64
    high: I64
    cents: I64
    delay: I64
    service: I64
    parcel: I64
    parcel_cents: I64
    willing: Bools


def read_takes(choices: Choices, carriage: Carriage) -> Takes:
    """Every way to take some of an item."""
    rows, items = np.nonzero((choices.most > 0) & choices.joint)
    joint = (rows, items, choices.most[rows, items], choices.cents[rows, items], np.full(len(rows), -1))
    found = []
    for item in np.flatnonzero(choices.alone).tolist():
        for row in np.flatnonzero(choices.most[:, item]).tolist():
            cents = int(choices.cents[row, item] + choices.ship_cents[row]) + choices.split_cents
            found += [(row, item, 1, cents + c, d) for d, c in alone_fares(choices, carriage, row, item)]
    alone = np.array(found, np.int64).reshape(-1, 5).T
    return Takes(*(np.concatenate(column) for column in zip(joint, alone, strict=True)))


def read_steps(choices: Choices, carriage: Carriage) -> Steps:
    """The steps that some load of a row can use. Rows with the same lanes and delays share their tables."""
    signature = np.concatenate([choices.lane, choices.delay_cents], axis=1)
    _, example, kind = np.unique(signature, axis=0, return_index=True, return_inverse=True)
    kind = kind.ravel()
    joint = (choices.most > 0) & choices.joint
    amounts = np.where(joint, choices.most, 0)
    weights = choices.weight_grams // carriage.quantum_grams
    heaviest = amounts @ weights
    lightest = np.where(joint, weights, np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max)
    blocks = []
    for signature_ix, row in enumerate(example.tolist()):
        steps = joint_steps(choices, carriage, row)
        if not steps:
            continue
        table = np.array(
            [
                (s.start, s.low, s.high, s.cents, s.delay_cents, s.service, s.parcel, s.parcel_cents)
                for s in steps
            ]
        )
        willing = np.stack([s.takes for s in steps])
        rows = np.flatnonzero((kind == signature_ix) & joint.any(axis=1))
        at, step = (x.ravel() for x in np.indices((len(rows), len(steps))))
        row_of = rows[at]
        counted = table[step, 6] > 0
        fits = (table[step, 0] <= heaviest[row_of]) & (counted | (table[step, 2] >= lightest[row_of]))
        fits &= (willing[step] & joint[row_of]).any(axis=1)
        blocks.append((row_of[fits], table[step[fits]], willing[step[fits]]))
    if not blocks:
        none = np.zeros(0, np.int64)
        willing = np.zeros((0, len(choices.need)), bool)
        return Steps(none, none, none, none, none, none, none, none, willing)
    row_of, table, willing = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    order = np.argsort(row_of, kind="stable")
    row_of, table, willing = row_of[order], table[order], willing[order]
    _, low, high, cents, delay, service, parcel, parcel_cents = table.T
    cents = cents + choices.ship_cents[row_of] + choices.split_cents
    high = np.where(parcel > 0, high, np.minimum(high, heaviest[row_of]))
    return Steps(row_of, low, high, cents, delay, service, parcel, parcel_cents, willing)
