"""What Prometheus reads of the running state, looked up at the moment it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from router.errors import LedgerUnusable
from router.sourcer import ENGINE_VERSION
from server.admission import Admission, Lane
from server.rules_watch import RulesWatch
from server.world import World

FOLLOWED_SECONDS = 2.0
"""A ledger that could not be followed for so long is not asked: the page would be as late as its answer."""

Family = GaugeMetricFamily | CounterMetricFamily
Values = dict[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class State:
    """What is looked at. is_serving: the health that the process reports."""

    world: World
    admission: Admission
    rules: RulesWatch | None
    is_serving: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Look:
    """One metric: its values by the values of its labels; none: there is nothing to say now."""

    name: str
    text: str
    values: Callable[[State], Values]
    labels: tuple[str, ...] = ()
    counts: bool = False

    def family(self) -> Family:
        kind = CounterMetricFamily if self.counts else GaugeMetricFamily
        return kind(self.name, self.text, labels=self.labels)


def _one(value: float) -> Values:
    return {(): value}


def _behind(state: State) -> Values:
    if state.world.stale_seconds() > FOLLOWED_SECONDS:
        return {}
    seen = state.world.snapshot.stock.version
    try:
        return _one(max(0, state.world.ledger.version() - seen))
    except LedgerUnusable:
        return {}


def _by_lane(value: Callable[[Lane], float]) -> Values:
    return {(lane.name.lower(),): value(lane) for lane in Lane}


def _reloads(state: State) -> Values:
    if state.rules is None:
        return {}
    return {("loaded",): state.rules.loaded_count, ("rejected",): state.rules.rejected_count}


LOOKS = (
    _Look(
        "sourcier_build_info",
        "Always 1; the version of the engine is a label.",
        lambda s: {(ENGINE_VERSION,): 1},
        ("engine_version",),
    ),
    _Look("sourcier_serving", "1 when health is SERVING, else 0.", lambda s: _one(s.is_serving())),
    _Look("sourcier_nodes", "Nodes of the network.", lambda s: _one(len(s.world.snapshot.network.nodes))),
    _Look("sourcier_skus", "SKUs of the catalogue.", lambda s: _one(len(s.world.snapshot.catalogue))),
    _Look(
        "sourcier_stock_rows", "Rows of the copy of the stock.", lambda s: _one(len(s.world.snapshot.stock))
    ),
    _Look(
        "sourcier_stock_version",
        "Version of the stock that decisions are made from.",
        lambda s: _one(s.world.snapshot.stock.version),
    ),
    _Look(
        "sourcier_snapshot_behind_versions",
        "Versions of the ledger that the copy of the stock does not have yet; not there while the ledger "
        "cannot be followed.",
        _behind,
    ),
    _Look(
        "sourcier_snapshot_stale_seconds",
        "For how long the copy of the stock may have missed changes.",
        lambda s: _one(s.world.stale_seconds()),
    ),
    _Look(
        "sourcier_expired_reservations",
        "Reservations whose time was over since this process started; each process counts those of all.",
        lambda s: _one(s.world.expired_count),
        counts=True,
    ),
    _Look(
        "sourcier_commit_waiting_calls",
        "Calls that wait for the ledger transaction under way to end.",
        lambda s: _one(getattr(s.world.ledger, "waiting_count", 0)),
    ),
    _Look(
        "sourcier_waiting_calls",
        "Calls that wait for a thread, by lane.",
        lambda s: _by_lane(s.admission.waiting_in),
        ("lane",),
    ),
    _Look(
        "sourcier_foreseen_wait_seconds",
        "How long a call that comes now would wait for a thread, by lane.",
        lambda s: _by_lane(s.admission.foreseen_seconds),
        ("lane",),
    ),
    _Look(
        "sourcier_shed_calls",
        "Calls that were told to come again because too many wait, by lane.",
        lambda s: _by_lane(lambda lane: s.admission.shed_count[lane]),
        ("lane",),
        counts=True,
    ),
    _Look(
        "sourcier_rules_info",
        "Always 1; the hash of the rules in force is a label.",
        lambda s: {(s.world.snapshot.rules_hash,): 1},
        ("rules_hash",),
    ),
    _Look(
        "sourcier_rules_rejected",
        "1 when the rule file as it is now has mistakes and older rules are in force, else 0.",
        lambda s: {} if s.rules is None else _one(s.rules.rejected is not None),
    ),
    _Look(
        "sourcier_rules_reloads",
        "Changes of the rule file by what became of them: loaded, rejected.",
        _reloads,
        ("result",),
        counts=True,
    ),
)


class Gauges(Collector):
    """Registered with the registry of the process once there is a state to look at."""

    def __init__(self, state: State) -> None:
        self._state = state

    def describe(self) -> Iterable[Family]:
        return families()

    def collect(self) -> Iterator[Family]:
        for look in LOOKS:
            family = look.family()
            for labels, value in look.values(self._state).items():
                family.add_metric(labels, float(value))
            yield family


def families() -> list[Family]:
    """Every metric of this module, without values."""
    return [look.family() for look in LOOKS]
