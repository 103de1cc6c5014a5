"""Why units are placed nowhere: what stands against each node, in words."""

from __future__ import annotations

from collections.abc import Iterator

from router.domain import ReturnMethod
from router.explanation import Rejection
from router.network import Node
from router.rejections import facts_text, kg_text, km_text, plain, selector_text
from router.returns_domain import NodeRefusal
from router.returns_problem import Portion, ReturnProblem
from router.rules.return_model import AcceptReturns, MaxReturnDistance, ReturnEligibilityRule


def refusals_of(problem: ReturnProblem, p: int) -> tuple[NodeRefusal, ...]:
    """Every node's reasons not to have a portion that a plan leaves out, by node id."""
    own = [list(_against(problem, k, p)) for k in range(problem.node_count)]
    return tuple(
        NodeRefusal(node_id=node.node_id, rejections=tuple(found or _among_others(problem, k, p)))
        for k, (node, found) in enumerate(zip(problem.snapshot.network.nodes, own, strict=True))
    )


def _against(problem: ReturnProblem, k: int, p: int) -> Iterator[Rejection]:
    """Against a node for the portion by itself: facts first, then rules as they are stated."""
    node, portion = problem.snapshot.network.nodes[k], problem.portions[p]
    if not any(problem.takes(way, (p,)) for way in problem.ways(k)):
        yield from _carriage(problem, k, node, p)
    for rule, against in zip(problem.costs.rules.eligibility, problem.costs.against, strict=True):
        if not against[k] or not portion.is_meant(rule.skus, rule.conditions):
            continue
        value, threshold = _words(problem, rule, k, node)
        if not isinstance(rule, MaxReturnDistance) or problem.metres(k) > rule.km * 1000:
            yield _rejection(rule.kind.upper(), value + _condition(rule, portion), threshold, rule.name)


def _words(problem: ReturnProblem, rule: ReturnEligibilityRule, k: int, node: Node) -> tuple[str, str]:
    """Value and threshold of a rule."""
    if isinstance(rule, MaxReturnDistance):
        return km_text(problem.metres(k)), f"<= {plain(rule.km)} km"
    wanted = selector_text(rule.nodes)
    if isinstance(rule, AcceptReturns):
        return facts_text(rule.nodes, node, failing=True), wanted
    return facts_text(rule.nodes, node, failing=False), f"not ({wanted})" if wanted else "no node"


def _condition(rule: ReturnEligibilityRule, portion: Portion) -> str:
    return f"; {portion.item.condition.name}" if rule.conditions else ""


def _carriage(problem: ReturnProblem, k: int, node: Node, p: int) -> Iterator[Rejection]:
    """Why no way brings the portion there."""
    takes = ", ".join(method.name for method in sorted(node.return_methods)) or "none"
    start, lanes = problem.start_drop_off, problem.lanes
    if start == k:
        yield _rejection("NO_RETURNS", f"takes {takes}", "DROP_OFF")
        return
    if start >= 0 and not lanes.drop_off[start]:
        name = problem.request.drop_off_node_id
        yield _rejection("NO_RETURNS", f"the goods are at {name}, which takes no drop-offs", "a drop-off")
        return
    if start < 0 and not node.return_methods:
        yield _rejection("NO_RETURNS", "takes none", "DROP_OFF or PARCEL")
    if start < 0 and ReturnMethod.DROP_OFF in node.return_methods and not problem.may_drop_off[k]:
        threshold = f"<= {plain(problem.costs.rules.limits.drop_off_km)} km"
        yield _rejection("DROP_OFF_DISTANCE", km_text(problem.metres(k)), threshold)
    if start >= 0 and not lanes.parcel[k]:
        yield _rejection("NO_RETURNS", f"takes {takes}", "PARCEL")
    if lanes.parcel[k]:
        yield _rejection("NO_SERVICE", _service_words(problem, k, p), "a return service that takes the line")


def _service_words(problem: ReturnProblem, k: int, p: int) -> str:
    portion, ways = problem.portions[p], list(problem.ways(k))
    said = []
    for v, service in enumerate(problem.snapshot.network.return_services):
        if not problem.lanes.calls[k, v]:
            continue
        lanes = {way.lane for way in ways if way.service == v}
        refused = sorted(service.excluded_sku_labels & portion.labels)
        if not lanes:
            said.append(f"{service.service_id} does not go there")
        elif refused:
            said.append(f"{service.service_id} refuses {', '.join(refused)}")
        else:
            greatest = max(problem.lanes.lanes[m].brackets[-1].up_to_grams for m in lanes)
            weight = kg_text(portion.unit_weight_grams)
            said.append(f"{service.service_id} takes at most {kg_text(greatest)}, a unit weighs {weight}")
    return "; ".join(said) or "no return service calls here"


def _among_others(problem: ReturnProblem, k: int, p: int) -> list[Rejection]:
    """Against a node that would have the portion by itself: the lines it must be together with, or the limit
    on places."""
    if problem.request.together:
        others = [q for q in range(len(problem.portions)) if q != p and any(_against(problem, k, q))]
        refused = ", ".join(dict.fromkeys(problem.portions[q].item.line_id for q in others))
        value = f"refuses line {refused}" if refused else "no single way takes all lines"
        return [_rejection("TOGETHER", value, "all lines at one place")]
    limit = problem.costs.rules.limits.max_places
    return [_rejection("MAX_PLACES", "one place more", f"<= {limit} place{'' if limit == 1 else 's'}")]


def _rejection(reason: str, value: str, threshold: str, rule_name: str = "") -> Rejection:
    return Rejection(reason=reason, rule_name=rule_name, value=value, threshold=threshold)
