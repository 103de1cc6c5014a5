"""For all tests: time zones are those of the package, as in the server."""

from __future__ import annotations

from server.load.times import use_packaged_zones

use_packaged_zones()
