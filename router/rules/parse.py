"""Rule files: text in, rules out, or every mistake at once with its line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from router.catalogue import Catalogue
from router.errors import InvalidConfig, Violation
from router.network import Network
from router.rules.amounts import too_great
from router.rules.check import Finding, mistakes, unknown_names
from router.rules.doubts import doubts
from router.rules.model import RuleSet
from router.rules.sound import sound_parts
from router.rules.validate import bounded, examine, in_file_order
from router.rules.yaml_lines import Document, parse_yaml


@dataclass(frozen=True, slots=True)
class RuleFile:
    """``warnings``: rules that can have no effect or leave nothing to choose, in file order."""

    rules: RuleSet
    warnings: tuple[Violation, ...]


def read_rules(
    text: str, source: str, network: Network | None = None, catalogue: Catalogue | None = None
) -> RuleFile:
    """``source`` names the file in violations: ``source:line:column path``. With a network and a catalogue
    names that these do not know are mistakes too. Raises InvalidConfig with every mistake: of a file that is
    wrong in form also what is wrong with the rest."""
    document = parse_yaml(text, source)
    rules, wrong = examine(document, RuleSet)
    readable = sound_parts(document.data()) if rules is None else rules
    findings = [*mistakes(readable), *too_great(readable, network)]
    if network is not None and catalogue is not None:
        findings += unknown_names(readable, network, catalogue)
    wrong += _placed(document, findings)
    if wrong or rules is None:
        raise InvalidConfig(bounded(in_file_order(wrong), source))
    return RuleFile(rules, tuple(_placed(document, doubts(rules))))


def rules_hash(rules: RuleSet) -> str:
    """First 128 bits (hex) of the SHA-256 of what the rules say; layout, stated defaults, and ``1`` or
    ``1.0`` make no difference."""

    def plain(value: Any) -> str:
        if isinstance(value, Decimal):
            return format(value.normalize(), "f")
        if isinstance(value, date):
            return value.isoformat()
        raise TypeError(type(value).__name__)

    said = rules.model_dump(exclude_defaults=True)  # a wider vocabulary leaves hashes of older files alone
    canonical = json.dumps(said, default=plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _placed(document: Document, findings: Iterable[Finding]) -> list[Violation]:
    ordered = sorted(findings, key=lambda finding: document.position(finding[0]))
    return [document.violation(path, message) for path, message in ordered]
