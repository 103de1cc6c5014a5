"""Paths of the network file: services one after the other, and selectors of the hubs between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from math import prod

from pydantic import BaseModel, ConfigDict, Field

from router.errors import InvalidConfig
from router.network import STORE, Node, Path
from router.rules.compile_eligibility import matches_node
from router.rules.model import Id, NodeSelector
from router.rules.validate import bounded, did_you_mean
from router.rules.yaml_lines import Document
from router.rules.yaml_lines import Path as FieldPath
from server.load.calendars import Findings

MAX_SERVICES = 3
MAX_PATHS = 1_000
"""Most paths of all entries together, each from hub to hub."""


class PathEntry(BaseModel):
    """A way to stores that changes service at hubs: one path for each choice of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id = Field(description="Name of the path; with several choices of hubs id@hub, or id@hub@hub.")
    services: tuple[Id, ...] = Field(
        description="From the node to the first hub, and on from there; all of them serve STORE.",
        json_schema_extra={"minItems": 2, "maxItems": MAX_SERVICES},
    )
    via: tuple[NodeSelector, ...] = Field(
        description="The hubs at each change of service: nodes that have the next service.",
        json_schema_extra={"minItems": 1, "maxItems": MAX_SERVICES - 1},
    )
    hub_minutes: int = Field(
        default=0, ge=0, le=527_040, description="Open time of a hub between arrival and readiness."
    )
    hub_cents: int = Field(default=0, ge=0, le=10**9, description="Price of a parcel at each hub.")


def path_mistakes(entries: Sequence[PathEntry], serves: Mapping[str, Collection[str]]) -> Findings:
    """What the types do not say. ``serves``: what each service does."""
    taken = dict.fromkeys(serves, "service")
    for at, entry in enumerate(entries):
        here: FieldPath = ("paths", at)
        if entry.id in taken:
            yield (*here, "id"), f"{entry.id!r} is already the id of a {taken[entry.id]}"
        taken.setdefault(entry.id, "path")
        for s, service in enumerate(entry.services):
            if service not in serves:
                yield (*here, "services", s), f"no service {service!r}{did_you_mean(service, serves.keys())}"
            elif STORE not in serves[service]:
                message = f"{service!r} does not serve {STORE}: hubs are reached as stores are"
                yield (*here, "services", s), message
        count = len(entry.services)
        if not 2 <= count <= MAX_SERVICES:
            yield (*here, "services"), f"has {count} entries, must have 2 or {MAX_SERVICES}"
        elif len(entry.via) != count - 1:
            message = f"has {len(entry.via)} entries, must have {count - 1}: one for each change of service"
            yield (*here, "via"), message


@dataclass(frozen=True, slots=True)
class StatedPaths:
    """The paths of a network file, before the nodes are known. document: where mistakes are placed."""

    entries: tuple[PathEntry, ...]
    document: Document

    def over(self, nodes: Sequence[Node], service_ids: Collection[str]) -> tuple[Path, ...]:
        """A path for each choice of hubs. Raises InvalidConfig."""
        hubs = [_hubs(entry, nodes) for entry in self.entries]
        self._refuse(_unknown_names(self.entries, nodes))
        self._refuse(_without_hubs(self.entries, hubs))
        if sum(prod(len(choices) for choices in each) for each in hubs) > MAX_PATHS:
            self._refuse([(("paths",), f"there are more than {MAX_PATHS} choices of hubs")])
        paths = [_paths(entry, each) for entry, each in zip(self.entries, hubs, strict=True)]
        self._refuse(_clashes(self.entries, paths, service_ids))
        return tuple(chain.from_iterable(paths))

    def _refuse(self, findings: Iterable[tuple[FieldPath, str]]) -> None:
        placed = [self.document.violation(path, message) for path, message in findings]
        if placed:
            raise InvalidConfig(bounded(placed, self.document.source))


def _hubs(entry: PathEntry, nodes: Sequence[Node]) -> list[list[str]]:
    """Ids of the nodes at each change of service that have the next service."""
    return [
        [n.node_id for n in nodes if service in n.services and matches_node(selector, n)]
        for selector, service in zip(entry.via, entry.services[1:], strict=True)
    ]


def _unknown_names(entries: Sequence[PathEntry], nodes: Sequence[Node]) -> Findings:
    none: frozenset[str] = frozenset()
    known = {
        "ids": ("node", frozenset(node.node_id for node in nodes)),
        "groups": ("node group", none.union(*(node.groups for node in nodes))),
        "labels": ("node label", none.union(*(node.labels for node in nodes))),
    }
    for at, entry in enumerate(entries):
        for v, selector in enumerate(entry.via):
            for key, (what, names) in known.items():
                for i, name in enumerate(getattr(selector, key)):
                    if name not in names:
                        message = f"no {what} {name!r}{did_you_mean(name, names)}"
                        yield ("paths", at, "via", v, key, i), message


def _without_hubs(entries: Sequence[PathEntry], hubs: Sequence[list[list[str]]]) -> Findings:
    for at, (entry, choices) in enumerate(zip(entries, hubs, strict=True)):
        for v, found in enumerate(choices):
            if not found:
                message = f"selects no node that has {entry.services[v + 1]!r} among its services"
                yield ("paths", at, "via", v), message


def _paths(entry: PathEntry, hubs: list[list[str]]) -> list[Path]:
    """One for each choice of hubs that are all different."""
    choices = [choice for choice in product(*hubs) if len(set(choice)) == len(choice)]
    return [
        Path(
            path_id=entry.id if len(choices) == 1 else "@".join((entry.id, *choice)),
            services=entry.services,
            hubs=choice,
            hub_seconds=60 * entry.hub_minutes,
            hub_cents=entry.hub_cents,
        )
        for choice in choices
    ]


def _clashes(
    entries: Sequence[PathEntry], paths: Sequence[list[Path]], service_ids: Collection[str]
) -> Findings:
    """Entries without a path, and paths whose names another thing has."""
    taken = {*service_ids, *(entry.id for entry in entries)}
    for at, (entry, own) in enumerate(zip(entries, paths, strict=True)):
        if not own:
            yield ("paths", at, "via"), "would change service at one hub twice: none of the choices is a path"
        for path in own:
            if path.path_id in taken and path.path_id != entry.id:
                yield ("paths", at, "id"), f"a service or another path has the name {path.path_id!r}"
            taken.add(path.path_id)
