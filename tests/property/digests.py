"""Decisions of seeded worlds as digests of their bytes: ``python -m tests.property.digests 0 40``.

What tests compare between processes: one line per world, its seed and the SHA-256 of the decision as sent.
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np

from router.sourcer import decide
from server.convert_decision import decision_to_proto
from tests.engine import snapshot_of
from tests.worlds import random_world


def digest(seed: int) -> str:
    """One line for the world of a seed."""
    world = random_world(np.random.default_rng(seed))
    decision = decide(world.order, snapshot_of(world), world.now_seconds)
    wire = decision_to_proto(decision).SerializeToString(deterministic=True)
    return f"{seed} {hashlib.sha256(wire).hexdigest()}"


if __name__ == "__main__":
    first, stop = (int(argument) for argument in sys.argv[1:])
    sys.stdout.writelines(f"{digest(seed)}\n" for seed in range(first, stop))
