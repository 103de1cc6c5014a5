"""Tariff zones by country and postal code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.columns import IdIndex, frozen
from router.network import Network


@dataclass(frozen=True, slots=True)
class ZoneIndex:
    """Zones by country and postal prefix. ``keys`` holds texts such as ``FR:75``; ``zone_of_key`` int16 the
    zone of each; ``by_key`` the same for Python; ``longest`` the most characters of a prefix."""

    keys: IdIndex
    zone_of_key: NDArray[np.int16]
    by_key: dict[str, int]
    longest: int
    count: int

    @classmethod
    def of(cls, network: Network) -> ZoneIndex:
        """The first zone that states a prefix has it."""
        key_of: dict[str, int] = {}
        for ix, zone in enumerate(network.zones):
            for prefix in zone.postal_prefixes or ("",):
                key_of.setdefault(f"{zone.country}:{normal_postal(prefix)}", ix)
        longest = max((len(key.encode()) - 3 for key in key_of), default=0)
        zones = frozen(np.array(list(key_of.values()), np.int16))
        return cls(IdIndex.of(list(key_of)), zones, key_of, longest, len(network.zones))

    def find(self, country: str, postal_code: str) -> int:
        """The zone of a place; ``count`` for none."""
        code = normal_postal(postal_code).encode()[: self.longest]
        for length in range(len(code), -1, -1):
            zone = self.by_key.get(f"{country}:{code[:length].decode(errors='replace')}")
            if zone is not None:
                return zone
        return self.count


def normal_postal(code: str) -> str:
    """Postal codes are compared without spaces."""
    return code.replace(" ", "")
