"""What the models cannot see: names that must be unique or known, and rules that contradict each other.

``mistakes`` make a file unusable; ``doubts`` are rules that can have no effect or leave nothing to choose.
``unknown_names`` holds a rule set against the network and the catalogue it will be used with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from router.catalogue import Catalogue
from router.countries import COUNTRY_CODES
from router.network import Network
from router.rules import return_check
from router.rules.model import (
    AllowNodes,
    Conditions,
    ExcludeNodes,
    ExcludeServices,
    NodeSelector,
    Profile,
    RuleSet,
    SkuSelector,
    StockDepth,
    Strategy,
)
from router.rules.validate import did_you_mean
from router.rules.yaml_lines import Path

Finding = tuple[Path, str]
"""Where in the file, and what is wrong."""
Selection = NodeSelector | SkuSelector | Conditions

_COUNTRIES = frozenset(COUNTRY_CODES)


def mistakes(rules: RuleSet) -> Iterator[Finding]:
    """Repeated ids, names that lead nowhere, circles, empty ranges, unknown countries."""
    profile_ids = [profile.id for profile in rules.profiles]
    if rules.default_profile not in profile_ids:
        yield ("default_profile",), _unknown("profile", rules.default_profile, profile_ids)
    for at, again in _repeated(profile_ids):
        yield ("profiles", at, "id"), f"{again!r} is the id of an earlier profile"
    for p, profile in enumerate(rules.profiles):
        yield from _profile_mistakes(profile, ("profiles", p))


def _profile_mistakes(profile: Profile, path: Path) -> Iterator[Finding]:
    ids = [strategy.id for strategy in profile.strategies]
    for at, again in _repeated(ids):
        yield (*path, "strategies", at, "id"), f"{again!r} is the id of an earlier strategy of this profile"
    fallbacks = {strategy.id: strategy.fallback for strategy in reversed(profile.strategies)}
    for s, strategy in enumerate(profile.strategies):
        here = (*path, "strategies", s)
        if strategy.fallback is not None and strategy.fallback not in ids:
            yield (*here, "fallback"), _unknown("strategy of this profile", strategy.fallback, ids)
        circle = _circle(strategy.id, fallbacks)
        if circle:
            yield (*here, "fallback"), f"leads back to itself: {' > '.join(circle)}"
        yield from _strategy_mistakes(strategy, here)
    if profile.returns is not None:
        here = (*path, "returns")
        yield from return_check.repeated_names(profile.returns, here)
        for where, nodes in return_check.node_selectors(profile.returns, here):
            yield from _unknown_countries(where, nodes)


def _strategy_mistakes(strategy: Strategy, path: Path) -> Iterator[Finding]:
    value = strategy.when.order_value
    if value is not None and value.min_cents > value.max_cents:
        text = f"no order is worth at least {value.min_cents} and at most {value.max_cents} cents"
        yield (*path, "when", "order_value"), text
    for at, country in enumerate(strategy.when.destination_countries):
        if country not in _COUNTRIES:
            yield (*path, "when", "destination_countries", at), f"{country!r} is not an ISO 3166 country code"
    named = [(*path, "eligibility", e, "name") for e in range(len(strategy.eligibility))]
    named += [(*path, "supply", s, "name") for s in range(len(strategy.supply))]
    for at, again in _repeated([rule.name for rule in (*strategy.eligibility, *strategy.supply)]):
        yield named[at], f"{again!r} is the name of an earlier rule of this strategy"
    for where, nodes in _node_selectors(strategy, path):
        yield from _unknown_countries(where, nodes)


def _unknown_countries(path: Path, nodes: NodeSelector) -> Iterator[Finding]:
    for at, country in enumerate(nodes.countries):
        if country not in _COUNTRIES:
            yield (*path, "countries", at), f"{country!r} is not an ISO 3166 country code"


def _circle(start: str, fallbacks: dict[str, str | None]) -> list[str]:
    """The fallbacks from ``start`` back to it; empty when they end or circle elsewhere."""
    chain = [start]
    while (following := fallbacks.get(chain[-1])) is not None:
        chain.append(following)
        if following == start:
            return chain
        if len(chain) > len(fallbacks):
            break
    return []


def unknown_names(rules: RuleSet, network: Network, catalogue: Catalogue) -> Iterator[Finding]:
    """Nodes, groups, labels, zones, services and SKUs that a rule names and nothing carries."""
    known = _Known.of(network, catalogue)
    for p, profile in enumerate(rules.profiles):
        for s, strategy in enumerate(profile.strategies):
            here = ("profiles", p, "strategies", s)
            zones = strategy.when.destination_zones
            yield from _absent("zone", zones, known.zones, (*here, "when", "destination_zones"))
            for path, nodes in _node_selectors(strategy, here):
                yield from _unknown_nodes(nodes, known, path)
            for a, more in enumerate(strategy.supply):
                yield from _unknown_skus(more.skus, known, catalogue, (*here, "supply", a, "skus"))
            for e, rule in enumerate(strategy.eligibility):
                path = (*here, "eligibility", e)
                yield from _unknown_skus(rule.skus, known, catalogue, (*path, "skus"))
                if isinstance(rule, ExcludeServices):
                    for at, name in enumerate(rule.services):
                        if name in known.paths:
                            yield (*path, "services", at), f"{name!r} is a path: name one of its services"
                        elif name not in known.services:
                            yield (*path, "services", at), _unknown("service", name, known.services)
                    yield from _absent("service label", rule.labels, known.service_labels, (*path, "labels"))
        if profile.returns is not None:
            below: Path = ("profiles", p, "returns")
            for path, nodes in return_check.node_selectors(profile.returns, below):
                yield from _unknown_nodes(nodes, known, path)
            for path, skus in return_check.sku_selectors(profile.returns, below):
                yield from _unknown_skus(skus, known, catalogue, path)


@dataclass(frozen=True, slots=True)
class _Known:
    nodes: frozenset[str]
    groups: frozenset[str]
    node_labels: frozenset[str]
    zones: frozenset[str]
    services: frozenset[str]
    service_labels: frozenset[str]
    paths: frozenset[str]
    sku_labels: frozenset[str]

    @classmethod
    def of(cls, network: Network, catalogue: Catalogue) -> _Known:
        none: frozenset[str] = frozenset()
        return cls(
            nodes=frozenset(node.node_id for node in network.nodes),
            groups=none.union(*(node.groups for node in network.nodes)),
            node_labels=none.union(*(node.labels for node in network.nodes)),
            zones=frozenset(zone.zone_id for zone in network.zones),
            services=frozenset(service.service_id for service in network.services),
            service_labels=none.union(*(service.labels for service in network.services)),
            paths=frozenset(path.path_id for path in network.paths),
            sku_labels=none.union(*catalogue.label_sets),
        )


def _unknown_nodes(nodes: NodeSelector, known: _Known, path: Path) -> Iterator[Finding]:
    yield from _absent("node", nodes.ids, known.nodes, (*path, "ids"))
    yield from _absent("node group", nodes.groups, known.groups, (*path, "groups"))
    yield from _absent("node label", nodes.labels, known.node_labels, (*path, "labels"))


def _unknown_skus(skus: SkuSelector, known: _Known, catalogue: Catalogue, path: Path) -> Iterator[Finding]:
    for at, sku_id in enumerate(skus.ids):
        if catalogue.ids.find(sku_id) < 0:
            yield (*path, "ids", at), f"no SKU {sku_id!r}"
    yield from _absent("SKU label", skus.labels, known.sku_labels, (*path, "labels"))


def _absent(what: str, names: tuple[str, ...], known: Collection[str], path: Path) -> Iterator[Finding]:
    for at, name in enumerate(names):
        if name not in known:
            yield (*path, at), _unknown(what, name, known)


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    return f"no {what} {name!r}{did_you_mean(name, known)}"


def _repeated(names: list[str]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for at, name in enumerate(names):
        if name in seen:
            yield at, name
        seen.add(name)


def _node_selectors(strategy: Strategy, path: Path) -> Iterator[tuple[Path, NodeSelector]]:
    for e, rule in enumerate(strategy.eligibility):
        if not isinstance(rule, ExcludeServices):
            yield (*path, "eligibility", e, "nodes"), rule.nodes
    for s, more in enumerate(strategy.supply):
        yield (*path, "supply", s, "nodes"), more.nodes
    for o, objective in enumerate(strategy.objectives):
        if isinstance(objective, StockDepth):
            yield (*path, "objectives", o, "nodes"), objective.nodes


def covers(wide: Selection, narrow: Selection) -> bool:
    """Whether all that ``narrow`` selects is selected by ``wide``, as far as the words alone can tell."""
    for name in type(wide).model_fields:
        if name == "order_value":
            continue
        outer, inner = getattr(wide, name), getattr(narrow, name)
        if outer and not (inner and set(inner) <= set(outer)):
            return False
    if isinstance(wide, Conditions) and isinstance(narrow, Conditions):
        return _value_covers(wide, narrow)
    return True


def _value_covers(wide: Conditions, narrow: Conditions) -> bool:
    outer, inner = wide.order_value, narrow.order_value
    if outer is None:
        return True
    return inner is not None and outer.min_cents <= inner.min_cents and inner.max_cents <= outer.max_cents


def exclude(one: Conditions, other: Conditions) -> bool:
    """Whether no order meets both, as far as the words alone can tell."""
    for name in Conditions.model_fields:
        a, b = getattr(one, name), getattr(other, name)
        if name != "order_value" and a and b and not set(a) & set(b):
            return True
    a, b = one.order_value, other.order_value
    return a is not None and b is not None and (a.max_cents < b.min_cents or b.max_cents < a.min_cents)


def disjoint(one: NodeSelector, other: NodeSelector) -> bool:
    """Whether no node can match both: of ids, types and countries a node has only one each."""
    pairs = ((one.ids, other.ids), (one.types, other.types), (one.countries, other.countries))
    return any(a and b and not set(a) & set(b) for a, b in pairs)


def leaves_nothing(earlier: AllowNodes | ExcludeNodes, later: AllowNodes | ExcludeNodes) -> bool:
    """Whether two rules about the same SKUs together leave no node."""
    if not (covers(earlier.skus, later.skus) or covers(later.skus, earlier.skus)):
        return False
    if isinstance(earlier, AllowNodes) and isinstance(later, AllowNodes):
        return disjoint(earlier.nodes, later.nodes)
    if isinstance(earlier, AllowNodes) and isinstance(later, ExcludeNodes):
        return covers(later.nodes, earlier.nodes)
    if isinstance(earlier, ExcludeNodes) and isinstance(later, AllowNodes):
        return covers(earlier.nodes, later.nodes)
    return False
