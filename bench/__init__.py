"""What planners run: invented but realistic retailers, orders, baselines and benchmarks."""

from server.load.times import use_packaged_zones

use_packaged_zones()
