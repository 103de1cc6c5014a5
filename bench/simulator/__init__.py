"""A seeded simulation of the whole service: virtual time, a network and a disk that fail. See
docs/simulator.md."""
