"""StockService: the feed comes in, availability goes out."""

from __future__ import annotations

import os
from collections.abc import Sequence

from router.errors import InvalidInput, RequestIdReused, Violation
from router.ledger import FeedOutcome, StockUpdate
from router.ledger_rows import MAX_UNITS
from server.api.sourcing.v1 import stock_pb2, stock_pb2_grpc
from server.convert import envelope_violations, id_violations
from server.convert_stock import availability_to_proto, change_to_proto, parse_place
from server.guard import Call, check_wanted
from server.lengths import MAX_ROWS, MAX_SKUS
from server.workers import worker_number
from server.world import World

MAX_CHANGES = 100_000
USUAL_CHANGES = 10_000

Writing = stock_pb2.SetStockRequest | stock_pb2.AdjustStockRequest


class StockService(stock_pb2_grpc.StockServiceServicer):
    """Raises what ``server.status`` has in its table; ``server.guard`` turns that into a status."""

    def __init__(self, world: World) -> None:
        self._world = world

    def SetStock(  # noqa: N802
        self, request: stock_pb2.SetStockRequest, context: Call
    ) -> stock_pb2.SetStockResponse:
        places, safety, found = self._check_rows(request, "levels", request.levels)
        seen: dict[tuple[str, str], int] = {}
        for i, level in enumerate(request.levels):
            first = seen.setdefault((level.sku_id, places[i]), i)
            if first != i:
                found.append(Violation(f"levels[{i}]", f"names the same row as levels[{first}]"))
            for name, units in (("on_hand", level.on_hand), ("safety_stock", level.safety_stock)):
                if not 0 <= units <= MAX_UNITS:
                    found.append(Violation(f"levels[{i}].{name}", f"{units} is not within 0..{MAX_UNITS}"))
            if level.safety_stock and level.HasField("expected_time"):
                found.append(Violation(f"levels[{i}].safety_stock", "a receipt has none"))
        if found:
            raise InvalidInput(found)
        updates = [
            StockUpdate(
                sku_id=level.sku_id,
                node_id=place,
                on_hand=level.on_hand,
                safety_stock=level.safety_stock if level.HasField("safety_stock") else None,
                new_row_safety_stock=units,
                sequence=level.sequence,
            )
            for level, place, units in zip(request.levels, places, safety, strict=True)
        ]
        done = self._update("set", request, updates, context, "levels[{}].on_hand")
        return stock_pb2.SetStockResponse(
            stock_version=done.version, late_count=done.late_count, duplicate_count=done.duplicate_count
        )

    def AdjustStock(  # noqa: N802
        self, request: stock_pb2.AdjustStockRequest, context: Call
    ) -> stock_pb2.AdjustStockResponse:
        places, safety, found = self._check_rows(request, "adjustments", request.adjustments)
        for i, adjustment in enumerate(request.adjustments):
            if not -MAX_UNITS <= adjustment.delta <= MAX_UNITS:
                message = f"{adjustment.delta} is not within -{MAX_UNITS}..{MAX_UNITS}"
                found.append(Violation(f"adjustments[{i}].delta", message))
        if found:
            raise InvalidInput(found)
        updates = [
            StockUpdate(
                sku_id=adjustment.sku_id,
                node_id=place,
                on_hand=adjustment.delta,
                relative=True,
                new_row_safety_stock=units,
                sequence=adjustment.sequence,
            )
            for adjustment, place, units in zip(request.adjustments, places, safety, strict=True)
        ]
        done = self._update("adjust", request, updates, context, "adjustments[{}].delta")
        return stock_pb2.AdjustStockResponse(
            stock_version=done.version, late_count=done.late_count, duplicate_count=done.duplicate_count
        )

    def _check_rows(
        self,
        request: Writing,
        name: str,
        rows: Sequence[stock_pb2.StockLevel | stock_pb2.StockAdjustment],
    ) -> tuple[list[str], list[int], list[Violation]]:
        """Where each row is, the safety stock of its node, which a new row takes, and what is wrong."""
        found = envelope_violations(request.request_id, held=not request.feed_id)
        found += id_violations("feed_id", request.feed_id)
        if request.feed_id and request.request_id:
            found.append(Violation("request_id", "is not for rows of a feed"))
        if not 1 <= len(rows) <= MAX_ROWS:
            found.append(Violation(name, f"{len(rows)} rows, not within 1..{MAX_ROWS}"))
        snapshot = self._world.snapshot
        sku_ix = snapshot.catalogue.ids.find_many([row.sku_id for row in rows]).tolist()
        node_ix = snapshot.compiled.nodes.find_many([row.node_id for row in rows]).tolist()
        for i, row in enumerate(rows):
            if sku_ix[i] < 0:
                found.append(Violation(f"{name}[{i}].sku_id", f"unknown SKU {row.sku_id!r}"))
            if node_ix[i] < 0:
                found.append(Violation(f"{name}[{i}].node_id", f"unknown node {row.node_id!r}"))
            if request.feed_id and not 1 <= row.sequence < 1 << 62:
                found.append(Violation(f"{name}[{i}].sequence", f"{row.sequence} is not within 1..2^62 - 1"))
            elif row.sequence and not request.feed_id:
                found.append(Violation(f"{name}[{i}].sequence", "is for rows of a feed"))
        places = [parse_place(row, f"{name}[{i}]", found) for i, row in enumerate(rows)]
        nodes = snapshot.network.nodes
        return places, [nodes[ix].safety_stock_units if ix >= 0 else 0 for ix in node_ix], found

    def _update(
        self, verb: str, request: Writing, updates: Sequence[StockUpdate], call: Call, path: str
    ) -> FeedOutcome:
        """``path`` is where the wire message has the units of row ``{}``."""
        check_wanted(call)
        ledger, request_id = self._world.ledger, request.request_id
        try:
            if request.feed_id:
                done = ledger.feed(request.feed_id, updates)
            else:
                done = FeedOutcome(version=ledger.update_stock(f"{verb}:{request_id}", updates))
        except RequestIdReused as error:
            message = f"request_id {request_id!r} came before with other rows"
            raise RequestIdReused(message, metadata={"request_id": request_id}) from error
        except InvalidInput as error:
            raise InvalidInput([_moved(violation, path) for violation in error.violations]) from error
        self._world.follow()
        return done

    def GetAvailability(  # noqa: N802
        self, request: stock_pb2.GetAvailabilityRequest, context: Call
    ) -> stock_pb2.GetAvailabilityResponse:
        self._check_query(request)
        version, rows = self._world.ledger.stock_of(request.sku_ids, list(request.node_ids) or None)
        return stock_pb2.GetAvailabilityResponse(
            availabilities=[availability_to_proto(row) for row in rows],
            stock_version=version,
        )

    def ListStockChanges(  # noqa: N802
        self, request: stock_pb2.ListStockChangesRequest, context: Call
    ) -> stock_pb2.ListStockChangesResponse:
        most = request.page_size or USUAL_CHANGES
        found = []
        if not 1 <= most <= MAX_CHANGES:
            found.append(Violation("page_size", f"{most} is not within 1..{MAX_CHANGES}"))
        if request.after_version < 0:
            found.append(Violation("after_version", f"{request.after_version} is negative"))
        if found:
            raise InvalidInput(found)
        changes = self._world.ledger.changes(request.after_version, most)
        told = [change_to_proto(change) for change in changes]
        return stock_pb2.ListStockChangesResponse(
            changes=[
                change
                for change in told
                if request.sku_id in ("", change.sku_id) and request.node_id in ("", change.node_id)
            ],
            last_version=changes[-1].version if changes else request.after_version,
            is_last=len(changes) < most,
        )

    def GetReplica(  # noqa: N802
        self, request: stock_pb2.GetReplicaRequest, context: Call
    ) -> stock_pb2.GetReplicaResponse:
        world = self._world
        return stock_pb2.GetReplicaResponse(
            stock_version=world.snapshot.stock.version,
            ledger_version=world.ledger.version(),
            stale_millis=int(1_000 * world.stale_seconds()),
            rules_hash=world.snapshot.rules_hash,
            ledger_id=world.ledger.ledger_id(),
            worker=worker_number(),
            process_id=os.getpid(),
        )

    def _check_query(self, request: stock_pb2.GetAvailabilityRequest) -> None:
        found: list[Violation] = []
        if not 1 <= len(request.sku_ids) <= MAX_SKUS:
            found.append(Violation("sku_ids", f"{len(request.sku_ids)} SKUs, not within 1..{MAX_SKUS}"))
        snapshot = self._world.snapshot
        for name, ids, index in (
            ("sku_ids", request.sku_ids, snapshot.catalogue.ids),
            ("node_ids", request.node_ids, snapshot.compiled.nodes),
        ):
            rows = index.find_many(list(ids)).tolist()
            found += [
                Violation(f"{name}[{i}]", f"unknown id {ids[i]!r}") for i, row in enumerate(rows) if row < 0
            ]
        if found:
            raise InvalidInput(found)


def _moved(violation: Violation, path: str) -> Violation:
    """A violation of the ledger's ``updates[i]`` by the name the wire message has for it."""
    row = violation.field.removeprefix("updates[").partition("]")[0]
    return Violation(path.format(row), violation.message)
