"""Great-circle distances from unit vectors. Comparisons use squared chords; only a distance that is
priced or shown costs a square root and an arcsine."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from router.kernels.jit import inline, kernel

EARTH_RADIUS_M = 6_371_000.0


@inline
def unit_vector(latitude: float, longitude: float) -> tuple[float, float, float]:
    """Degrees to a point on the unit sphere."""
    phi, lam = math.radians(latitude), math.radians(longitude)
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


@kernel
def fill_unit_vectors(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """``out`` float64[n, 3]."""
    for i in range(len(out)):
        out[i, 0], out[i, 1], out[i, 2] = unit_vector(latitude[i], longitude[i])


def unit_vectors(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees [n], [n] to unit vectors float64[n, 3]. By the kernel that also reads them off the wire:
    NumPy's own sine may differ from it in the last digit, and from one processor to another."""
    out = np.empty((len(latitude), 3), np.float64)
    fill_unit_vectors(latitude, longitude, out)
    return out


def chord2_within(metres: int) -> float:
    """Squared chord below which a distance rounds to at most ``metres``."""
    angle = (metres + 0.5) / EARTH_RADIUS_M
    return 8.0 if angle >= math.pi else (2.0 * math.sin(angle / 2.0)) ** 2


NEAR_CHORD2 = 0.1
"""Squared chord up to which the series of the arcsine is exact to the last digit: some 2,000 km."""


@inline
def near_metres(chord2: float) -> int:
    """``metres_of`` up to NEAR_CHORD2: the arcsine by its Taylor series, of which eight terms are enough
    there. Without a call or a branch, so that loops over many distances become vector instructions."""
    square = 0.25 * chord2
    series = 6435 / 557056
    series = series * square + 143 / 10240
    series = series * square + 231 / 13312
    series = series * square + 63 / 2816
    series = series * square + 35 / 1152
    series = series * square + 5 / 112
    series = series * square + 3 / 40
    series = series * square + 1 / 6
    series = series * square + 1.0
    return int(EARTH_RADIUS_M * math.sqrt(chord2) * series + 0.5)


@inline
def far_metres(chord2: float) -> int:
    """``metres_of`` beyond NEAR_CHORD2."""
    half = min(0.5 * math.sqrt(chord2), 1.0)
    return math.floor(2.0 * EARTH_RADIUS_M * math.asin(half) + 0.5)


@inline
def metres_of(chord2: float) -> int:
    """Distance on the sphere from the squared chord, rounded half up to whole metres. The chord keeps
    its digits for near points, where the arccosine of a dot product loses them."""
    return near_metres(chord2) if chord2 <= NEAR_CHORD2 else far_metres(chord2)
