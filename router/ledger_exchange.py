"""Units held in the place of others: what that changes in the rows of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from router.errors import InvalidInput, Violation
from router.ledger import Correction, DayHold, Hold
from router.ledger_places import split_place
from router.ledger_rows import NO_STOCK, Row, RowKey, Rows, lying
from router.node_rows import is_node_row, split_day


class Step(NamedTuple):
    """A row as it is after it was changed for a cause. known: what it was taken for if it was not there."""

    key: RowKey
    row: Row
    cause: Literal["release", "stock", "reserve"]
    known: Row


class Exchange(NamedTuple):
    """steps: in their order. shortages: what is left of each row that has too little; nothing is to be done
    then."""

    steps: list[Step]
    shortages: tuple[Hold, ...]


def exchanged(
    rows: Rows,
    before: Mapping[RowKey, int],
    after: Mapping[RowKey, int],
    corrections: Sequence[Correction] = (),
    days: Sequence[DayHold] = (),
) -> Exchange:
    """before, after: units held. Only what differs is freed or held, so that units of both cannot be lost;
    corrections come in between."""
    capacity = {(day.hold.sku_id, day.hold.node_id): day for day in days}
    staged: dict[RowKey, Row] = {}
    steps: list[Step] = []

    def known(key: RowKey) -> Row:
        """A day nobody took anything of has its capacity."""
        return Row(capacity[key].capacity) if key in capacity else NO_STOCK

    def now(key: RowKey) -> Row:
        row = staged.get(key)
        if row is None:
            row = rows(*key)
            if row is NO_STOCK:
                row = known(key)
        return row

    def put(key: RowKey, row: Row, cause: Literal["release", "stock", "reserve"]) -> None:
        staged[key] = row
        steps.append(Step(key, row, cause, known(key)))

    let_go = {key: units - after.get(key, 0) for key, units in before.items() if units > after.get(key, 0)}
    for key, units in lying(rows, let_go).items() if let_go else ():
        row = now(key)
        put(key, Row(row.on_hand, row.reserved - units, row.safety_stock), "release")
    for correction in corrections:
        key = (correction.sku_id, correction.node_id)
        row = _corrected(now(key), correction.gone_units)
        if row != now(key):  # a row nobody ever set stays unset: its first update still has defaults to take
            put(key, row, "stock")
    shortages = []
    for key, units in after.items():
        more = units - before.get(key, 0)
        if more > 0:
            row = now(key)
            left = row.available - (capacity[key].waiting if key in capacity else 0)
            if left < more:
                shortages.append(Hold(sku_id=key[0], node_id=key[1], quantity=max(0, left)))
            put(key, Row(row.on_hand, row.reserved + more, row.safety_stock), "reserve")
    return Exchange(steps, tuple(shortages))


def kept_holds(holds: Sequence[Hold], part: Sequence[Hold]) -> tuple[Hold, ...]:
    """The holds with the units of ``part`` only, in their order. A node's day stays held as long as units of
    the node do. Raises InvalidInput naming ``part[i]`` for units that are not held."""
    left: dict[RowKey, int] = {}
    for hold in holds:
        key = (hold.sku_id, hold.node_id)
        left[key] = left.get(key, 0) + hold.quantity
    wanted: dict[RowKey, int] = {}
    found = []
    for i, hold in enumerate(part):
        key = (hold.sku_id, hold.node_id)
        wanted[key] = wanted.get(key, 0) + hold.quantity
        held = 0 if is_node_row(hold.sku_id) else left.get(key, 0)
        if hold.quantity < 1 or wanted[key] > held:
            message = f"{hold.quantity} units of {hold.sku_id!r} at {hold.node_id!r} are not held"
            found.append(Violation(f"part[{i}].quantity", message))
    if found:
        raise InvalidInput(found)
    nodes = {split_place(place)[0] for _, place in wanted}
    kept = []
    for hold in holds:
        key = (hold.sku_id, hold.node_id)
        if is_node_row(hold.sku_id):
            units = hold.quantity if split_day(hold.node_id)[0] in nodes else 0
        else:
            units = min(hold.quantity, wanted.get(key, 0))
            wanted[key] = wanted.get(key, 0) - units
        if units:
            kept.append(replace(hold, quantity=units))
    return tuple(kept)


def _corrected(row: Row, gone_units: int | None) -> Row:
    if gone_units is None:
        return row._replace(on_hand=min(row.on_hand, row.reserved))
    return row._replace(on_hand=max(0, row.on_hand - gone_units))
