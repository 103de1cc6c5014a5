"""A snapshot: everything a decision reads. Frozen, but for the available units inside its stock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from router.catalogue import Catalogue
from router.compile import Compiled, compile_all
from router.kernels.types import World
from router.network import Network
from router.rules.model import RuleSet
from router.stock import Stock


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The models that verification and explanation read, and their columns for the kernels."""

    network: Network
    catalogue: Catalogue
    rules: RuleSet
    stock: Stock
    compiled: Compiled
    world: World = field(init=False, repr=False, compare=False)
    """What the kernels read; one tuple for the life of the snapshot, so that handles on it can be kept."""

    def __post_init__(self) -> None:
        c = self.compiled
        world = World(c.network, c.catalogue, c.rules, self.stock.arrays())
        object.__setattr__(self, "world", world)

    @classmethod
    def build(cls, network: Network, catalogue: Catalogue, rules: RuleSet, stock: Stock) -> Snapshot:
        """Compiles. Nodes must be sorted by id: that order breaks ties (ValueError otherwise)."""
        ids = [n.node_id for n in network.nodes]
        if ids != sorted(set(ids)):
            raise ValueError("network.nodes must be sorted by node_id, without repeats")
        if stock.node_count != len(ids) or stock.sku_count != len(catalogue):
            raise ValueError("stock, network and catalogue differ in size")
        return cls(network, catalogue, rules, stock, compile_all(network, catalogue, rules))

    def with_rules(self, rules: RuleSet) -> Snapshot:
        """The same world under other rules."""
        return replace(self, rules=rules, compiled=compile_all(self.network, self.catalogue, rules))

    def with_stock(self, stock: Stock) -> Snapshot:
        """The same world with other stock rows."""
        return replace(self, stock=stock)

    @property
    def rules_hash(self) -> str:
        return self.compiled.rules_hash

    def available(self, sku_id: str, node_id: str) -> int | None:
        """Units that can be promised; None for an unknown pair."""
        sku_ix, node_ix = self.catalogue.ids.find(sku_id), self.compiled.nodes.find(node_id)
        return None if sku_ix < 0 or node_ix < 0 else self.stock.get(sku_ix, node_ix)
