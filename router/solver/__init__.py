"""Mixed-integer search, the only door to OR-Tools: one order that the kernels leave over."""
