"""Rule files: text in, rules out, or every mistake at once with its line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from router.catalogue import Catalogue
from router.errors import InvalidConfig, Violation
from router.network import Network
from router.rules.check import Finding, mistakes, unknown_names
from router.rules.doubts import doubts
from router.rules.model import RuleSet
from router.rules.validate import bounded, validate
from router.rules.yaml_lines import Document, format_path, parse_yaml


@dataclass(frozen=True, slots=True)
class RuleFile:
    """Rules with the document they came from, so that later findings can name their line.

    warnings: rules that can have no effect or leave nothing to choose, in file order.
    """

    rules: RuleSet
    warnings: tuple[Violation, ...]
    document: Document


def read_rules(text: str, source: str) -> RuleFile:
    """``source`` names the file in violations: ``source:line:column path``. Raises InvalidConfig."""
    document = parse_yaml(text, source)
    rules = validate(document, RuleSet)
    wrong = _placed(document, mistakes(rules))
    if wrong:
        raise InvalidConfig(bounded(wrong, source))
    return RuleFile(rules, tuple(_placed(document, doubts(rules))), document)


def check_against(
    rules: RuleSet, network: Network, catalogue: Catalogue, document: Document | None = None
) -> list[Violation]:
    """Names in the rules that the network and the catalogue do not know. With the document of the rules
    each violation names file and line, otherwise only the path."""
    findings = unknown_names(rules, network, catalogue)
    if document is not None:
        return _placed(document, findings)
    return [Violation(format_path(path), message) for path, message in findings]


def rules_hash(rules: RuleSet) -> str:
    """First 128 bits (hex) of the SHA-256 of what the rules say; layout, stated defaults, and ``1`` or
    ``1.0`` make no difference."""

    def plain(value: Any) -> str:
        if isinstance(value, Decimal):
            return format(value.normalize(), "f")
        raise TypeError(type(value).__name__)

    said = rules.model_dump(exclude_defaults=True)  # a wider vocabulary leaves hashes of older files alone
    canonical = json.dumps(said, default=plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _placed(document: Document, findings: Iterable[Finding]) -> list[Violation]:
    ordered = sorted(findings, key=lambda finding: document.position(finding[0]))
    return [document.violation(path, message) for path, message in ordered]
