"""Rule files from disk."""

from __future__ import annotations

from pathlib import Path

from router.catalogue import Catalogue
from router.errors import Violation
from router.network import Network
from router.rules.model import RuleSet
from router.rules.parse import read_rules
from server.load.files import read_text


def load_rules(
    path: Path, network: Network | None = None, catalogue: Catalogue | None = None
) -> tuple[RuleSet, tuple[Violation, ...]]:
    """Rules and warnings. With a network and a catalogue, names that these do not know are mistakes too.

    Raises InvalidConfig; nothing else, so that a caller can keep the rules it has.
    """
    file = read_rules(read_text(path), str(path), network, catalogue)
    return file.rules, file.warnings
