"""What planners run: invented but realistic retailers, orders, baselines and benchmarks."""
