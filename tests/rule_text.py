"""A rule file for tests to break, and what is said of it then."""

from __future__ import annotations

from typing import get_args

import pytest

from router.catalogue import Catalogue
from router.errors import InvalidConfig
from router.network import Network
from router.rules import model
from router.rules.parse import read_rules

OBJECTIVE_KINDS = ", ".join(
    get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(model.Objective)[0])
)
"""As mistakes list them."""

GOOD = """\
version: 1
default_profile: retail
profiles:
  - id: retail
    strategies:
      - id: express
        priority: 10
        when:
          sales_channels: [WEB, MOBILE]
          destination_countries: [FR, NO]
          destination_zones: [idf]
          order_value: {min_cents: 100, max_cents: 90000}
        eligibility:
          - &cold {kind: allow_nodes, name: cold, skus: {labels: [cold]}, nodes: {labels: [chilled]}}
          - {kind: max_distance, name: close, nodes: {types: [STORE]}, km: 30.5}
          - {kind: exclude_services, name: slow, services: [post], labels: [sea]}
        objectives:
          - {kind: shipping, weight: 0.1}
          - {kind: stock_depth, nodes: {groups: [shops]}, cents: 100, target_units: 5}
        limits:
          max_nodes_per_order: 1
        fallback: standard
      - id: standard
        eligibility:
          - *cold
          - {kind: exclude_nodes, name: shut, skus: {ids: [S1]}, nodes: {ids: [n1]}}
        objectives:
          - {kind: split, cents: 300}
"""
ONE_STRATEGY = """\
version: 1
default_profile: p
profiles:
  - id: p
    strategies:
      - id: s
        objectives: [{kind: shipping}]
        eligibility:
"""
"""Rules of eligibility follow, from line 9 on."""


def brief(found: object) -> str:
    """A violation with ``S0`` and ``S1`` for the path of the first two strategies."""
    return str(found).replace("profiles[0].strategies[0]", "S0").replace("profiles[0].strategies[1]", "S1")


def warned(text: str) -> list[str]:
    """The warnings of a file that can be used."""
    return [brief(warning) for warning in read_rules(text, "rules.yaml").warnings]


def mistakes(text: str, network: Network | None = None, catalogue: Catalogue | None = None) -> list[str]:
    """All that is wrong with a file that cannot."""
    with pytest.raises(InvalidConfig) as raised:
        read_rules(text, "rules.yaml", network, catalogue)
    return [brief(violation) for violation in raised.value.violations]


def fields(text: str) -> list[str]:
    """Where the mistakes are."""
    return [line.split(": ")[0] for line in mistakes(text)]


def changed(old: str, new: str) -> str:
    """GOOD with one thing replaced."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)
