"""Exact programmes over amounts: the state of an order is how much of each of its items has been taken.

An item is a group of lines taken whole (0 or 1) or a line that may be divided (0..quantity). The state is
one number in mixed radix. ``fill_by_node`` visits node after node, each used at most once, so that a divided
line never draws twice on the same stock; ``cover_groups`` is for whole items only, keeps just the best node
of each set of items, and is far cheaper.
"""

from __future__ import annotations

from router.kernels.jit import kernel
from router.kernels.types import FAR, I32, I64


@kernel
def fill_by_node(
    first: I64,
    state: I64,
    digits: I64,
    cents: I64,
    state_digits: I64,
    guard: int,
    limited: int,
    best: I64,
    choice: I32,
) -> None:
    """``best[n, s]``: least cost of taking exactly the amounts of state s, from at most n nodes where
    ``limited``, else in row 1 from any number. ``choice[node, n, s]``: the offer taken there, or -1.

    first int64[N + 1]: offers of a node, by ascending state. state int64[offers]; cents int64[offers], FAR
    for an offer that is not open. digits int64[offers], state_digits int64[S]: the amounts as bit fields with
    a free top bit each; guard: those top bits. best int64[most + 1, S] and choice int32[N, most + 1, S] are
    overwritten.
    """
    best[:] = FAR
    best[:, 0] = 0
    choice[:] = -1
    for node in range(len(first) - 1):
        for n in range(len(best) - 1, 0, -1):
            source = best[n - 1] if limited else best[n]
            for s in range(len(state_digits) - 1, 0, -1):
                least, taken = best[n, s], -1
                padded = state_digits[s] | guard
                for k in range(first[node], first[node + 1]):
                    if state[k] > s:
                        break
                    if (padded - digits[k]) & guard != guard or cents[k] >= FAR:
                        continue
                    total = source[s - state[k]] + cents[k]
                    if total < least:
                        least, taken = total, k
                if taken >= 0:
                    best[n, s] = least
                    choice[node, n, s] = taken


@kernel
def cover_groups(part: I64, limited: int, best: I64, pick: I64) -> None:
    """``best[n, mask]``: least cost of covering a set of items by parts, at most n of them where
    ``limited``, else in row 1 any number. ``pick[n, mask]``: the part that holds the lowest item, or 0
    where fewer parts are as good. part int64[2^I]: least cost of a set as one part."""
    best[:] = FAR
    best[:, 0] = 0
    pick[:] = 0
    for n in range(1, len(best)):
        source = best[n - 1] if limited else best[n]
        for mask in range(1, len(part)):
            low = mask & -mask
            rest = mask ^ low
            least, taken = FAR, 0
            if limited and best[n - 1, mask] < least:
                least = best[n - 1, mask]
            more = rest
            while True:
                cents = part[low | more]
                if cents < FAR:
                    total = cents + source[rest ^ more]
                    if total < least:
                        least, taken = total, low | more
                if more == 0:
                    break
                more = (more - 1) & rest
            best[n, mask] = least
            pick[n, mask] = taken
