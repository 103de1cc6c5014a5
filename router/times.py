"""What an arrival costs, and which is too late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.calendar import DAY_SECONDS, NEVER
from router.domain import Delivery, Order
from router.kernels.types import DAYS_TABLE, FAR
from router.rules.compile import weighted
from router.rules.model import Lateness, Strategy
from router.snapshot import Snapshot
from router.timetable import HORIZON_DAYS

I64 = NDArray[np.int64]


def latest_of(part: Order, strategy: Strategy, delivery: Delivery) -> int:
    """The last arrival that is allowed."""
    stated = [t for t in (part.deliver_by_seconds, delivery.latest_seconds) if t is not None]
    latest = min(stated, default=FAR)
    days = strategy.limits.max_late_days
    if delivery.requested_seconds is not None and days is not None:
        latest = min(latest, delivery.requested_seconds + days * DAY_SECONDS)
    return latest


def times_cents(
    snapshot: Snapshot, strategy_ix: int, delivery: Delivery, arrival: I64, origin_seconds: int
) -> I64:
    """Weighted cents of arriving then as the last: delay from the origin on, lateness from the requested
    time on."""
    rules = snapshot.compiled.rules
    known = np.minimum(arrival - origin_seconds, 2 * HORIZON_DAYS * DAY_SECONDS)
    days = -(-known // DAY_SECONDS)
    cents = rules.delay_cents[strategy_ix, np.minimum(days, DAYS_TABLE - 1)]
    cents = cents + rules.delay_slope_cents[strategy_ix] * np.maximum(0, days - (DAYS_TABLE - 1))
    total: I64 = cents + late_cents(snapshot.compiled.strategies[strategy_ix], delivery, arrival)
    return total


def late_cents(strategy: Strategy, delivery: Delivery, arrival: I64) -> I64:
    """Weighted cents of arriving after the requested time."""
    cents = np.zeros(arrival.shape, np.int64)
    if delivery.requested_seconds is None:
        return cents
    days = np.maximum(0, -(-(np.minimum(arrival, NEVER // 2) - delivery.requested_seconds) // DAY_SECONDS))
    for goal in strategy.objectives:
        if isinstance(goal, Lateness):
            cents = cents + weighted(goal.cents_per_day, goal.weight) * days
            for step in goal.steps:
                cents = cents + weighted(step.cents, goal.weight) * (days >= step.from_days)
    return cents
