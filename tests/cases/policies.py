"""What other systems do, as rules: each policy is a strategy in our vocabulary."""

from __future__ import annotations

from typing import Any

from router.rules.model import RuleSet
from tests.cases.adapter import OUT_OF_USE, Case

FREE = {"line_splits": "free"}
FREE_OR_SHORT = {"line_splits": "free", "allow_partial": True}
ONE_PLACE = {"line_splits": "never", "max_nodes_per_order": 1}

CENTS_PER_SOURCE = 1_000_000_000
"""More than the metres, at a cent each, of any plan of a case."""

BY_RANK = {"kind": "node_priority", "cents": 1, "per": "unit"}
"""Units come from the first place, then the second, as in every shop that fills by priority."""
BY_DISTANCE = {"kind": "distance", "cents_per_km": "100000", "per": "unit"}
"""Units come from the nearest place, then the next. A metre weighs a hundred times what a rank does, which
leaves ``BY_RANK`` to break ties."""
BY_STOCK = {"kind": "stock_depth", "cents": 1_000_000, "target_units": 10_000}
"""Units come from where most are left."""
FEWEST_SOURCES = {"kind": "split", "cents": CENTS_PER_SOURCE}
LEAST_METRES = {"kind": "distance", "cents_per_km": "1000", "per": "shipment"}


def policy(
    *objectives: dict[str, Any], limits: dict[str, Any], eligibility: tuple[dict[str, Any], ...] = ()
) -> RuleSet:
    """One strategy that leaves out nodes out of use."""
    out_of_use = {"kind": "exclude_nodes", "name": "out of use", "nodes": {"labels": [OUT_OF_USE]}}
    strategy = {
        "id": "policy",
        "eligibility": [out_of_use, *eligibility],
        "objectives": objectives,
        "limits": limits,
    }
    profile = {"id": "peer", "strategies": [strategy]}
    return RuleSet.model_validate({"version": 1, "default_profile": "peer", "profiles": [profile]})


FEWEST_THEN_NEAREST = policy(FEWEST_SOURCES, LEAST_METRES, limits=FREE)
FILL_BY_RANK = policy(BY_RANK, limits=FREE_OR_SHORT)
FILL_BY_DISTANCE = policy(BY_DISTANCE, BY_RANK, limits=FREE_OR_SHORT)


def policy_of(file_name: str, case: Case) -> RuleSet:
    """The policy that the system of a file follows in a case."""
    if file_name == "solidus_allocation.json":
        return policy(BY_RANK, limits=FREE)
    if file_name == "hotwax_brokering.json":
        return _brokering(case)
    return FILL_BY_DISTANCE if "dest" in case else FILL_BY_RANK


def _brokering(case: Case) -> RuleSet:
    """One facility for the whole order or the best for each item, sorted by the case's key. Their safety
    stock looks at what a facility has before the order, ours at what remains after it: ours is stricter."""
    sort = {
        "distance": (BY_DISTANCE, BY_RANK),
        "inventory desc": (BY_STOCK,),
        "sequence": (BY_RANK,),
    }[case.get("sort", "distance")]
    safety = case.get("safety_at_least", 0)
    keep = ({"kind": "min_remaining", "name": "safety stock", "units": safety},) if safety else ()
    return policy(*sort, limits={"SINGLE": ONE_PLACE, "MULTI": FREE_OR_SHORT}[case["mode"]], eligibility=keep)
