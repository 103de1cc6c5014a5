"""What is noted of changes, and that it survives crashes and full disks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest

from router.errors import InvalidConfig
from server.api.sourcing.v1 import node_pb2, sourcing_pb2, stock_pb2
from server.security.audit import AuditLog, AuditUnusable
from server.security.changes import MAX_ROWS, MAX_TEXT_LENGTH, told_rows
from tests.e2e.files import RULES
from tests.e2e.service import failure, new_id
from tests.security.conftest import Guarded
from tests.security.test_calls import level

SECONDS = 1_750_000_000
BECAUSE = (("sourcier-reason", "stocktaking"),)


def lines_of(server: Guarded) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (server.folder / "audit.jsonl").read_text().splitlines()]


def test_changes_are_noted_whoever_made_them_and_however_they_ended(own_server: Any) -> None:
    with own_server() as server:
        server.stock("warehouse").SetStock(level("store-paris", 7))
        failure(lambda: server.stock("paris", sub="bert").SetStock(level("dc-lyon")))
        failure(lambda: server.stock("warehouse").SetStock(level("gone")))
        server.stock("warehouse").GetReplica(stock_pb2.GetReplicaRequest())
        noted = lines_of(server)
        assert (server.folder / "audit.jsonl").stat().st_mode & 0o077 == 0
    told = [(line["what"], line["subject"], line["outcome"], line["rows"][0]["node_id"]) for line in noted]
    assert told == [
        ("StockService/SetStock", "anna", "OK", "store-paris"),
        ("StockService/SetStock", "bert", "PERMISSION_DENIED", "dc-lyon"),
        ("StockService/SetStock", "anna", "INVALID_ARGUMENT", "gone"),
    ]


def test_a_line_has_the_rows_and_the_reason(own_server: Any) -> None:
    with own_server() as server:
        request = level("store-paris", 0)
        server.stock("warehouse").SetStock(request, metadata=BECAUSE)
        taken = stock_pb2.StockAdjustment(sku_id="sku-001", node_id="dc-lyon", delta=-2, sequence=4)
        feed = stock_pb2.AdjustStockRequest(feed_id="wms", adjustments=[taken])
        server.stock("warehouse").AdjustStock(feed)
        off = node_pb2.SetNodeStateRequest(request_id=new_id(), node_id="dc-lyon")
        off.off_until_time.seconds = SECONDS + 3_600
        server.nodes("warehouse").SetNodeState(off)
        first, second, third = lines_of(server)
    assert first["rows"] == [{"sku_id": "sku-001", "node_id": "store-paris", "on_hand": 0, "sequence": 0}]
    assert (first["row_count"], first["reason"]) == (1, "stocktaking")
    assert first["request_id"] == request.request_id
    assert first["peer"].startswith(("ipv4:127.0.0.1:", "ipv6:"))
    assert (second["feed_id"], second["rows"][0]["delta"], second["reason"]) == ("wms", -2, "")
    until = {"seconds": SECONDS + 3_600, "nanos": 0}
    assert third["rows"] == [{"node_id": "dc-lyon", "off_until_time": until, "backlog": []}]


def test_a_rejection_that_corrects_the_stock_is_noted_and_a_question_is_not(own_server: Any) -> None:
    with own_server() as server:
        rejection = sourcing_pb2.NodeRejection(
            node_id="store-paris", quantity=1, reason=sourcing_pb2.REJECTION_REASON_NOT_FOUND
        )
        for validate_only in (True, False):
            asked = sourcing_pb2.ResourceOrderRequest(
                request_id=new_id(), rejections=[rejection], validate_only=validate_only
            )
            failure(lambda asked=asked: server.sourcing("till").ResourceOrder(asked))
        [line] = lines_of(server)
    assert (line["what"], line["outcome"]) == ("SourcingService/ResourceOrder", "INVALID_ARGUMENT")
    assert line["rows"][0]["reason"] == "REJECTION_REASON_NOT_FOUND"


def test_rule_files_are_noted_with_what_was_in_force_before(own_server: Any) -> None:
    with own_server() as server:
        for text in ("nonsense: 1", RULES.replace("km: 600", "km: 500")):
            (server.folder / "rules.yaml").write_text(text)
            server.rules.check()
        rejected, loaded = lines_of(server)
    assert (rejected["what"], rejected["outcome"], rejected["before"]) == (
        "rules", "REJECTED", rejected["rules_hash"]
    )  # fmt: skip
    assert any("nonsense" in text for text in rejected["mistakes"])
    assert (loaded["outcome"], loaded["before"]) == ("OK", rejected["rules_hash"])
    assert loaded["rules_hash"] != loaded["before"]
    assert "mistakes" not in loaded


def test_what_no_role_allows_is_noted_without_being_read(own_server: Any) -> None:
    with own_server() as server:
        failure(lambda: server.stock("till", sub="carla").SetStock(level("dc-lyon")))
        [noted] = lines_of(server)
    assert (noted["what"], noted["subject"]) == ("StockService/SetStock", "carla")
    assert noted["outcome"] == "PERMISSION_DENIED"
    assert "rows" not in noted


def test_what_cannot_be_noted_is_not_acknowledged(own_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with own_server() as server:
        request = level("dc-lyon", 3)
        with monkeypatch.context() as full:
            full.setattr("server.security.audit.os.fsync", fail)
            found = failure(lambda: server.stock("warehouse").SetStock(request))
        assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "AUDIT_UNUSABLE")
        assert server.stock("warehouse").SetStock(request).stock_version


def test_of_a_large_request_the_first_rows_are_told_and_of_a_long_text_its_beginning() -> None:
    rows = [stock_pb2.StockLevel(sku_id="s" * 1_000, node_id="n", on_hand=ix) for ix in range(MAX_ROWS + 1)]
    told = told_rows("StockService/SetStock", stock_pb2.SetStockRequest(request_id="r" * 1_000, levels=rows))
    assert (told["row_count"], len(told["rows"])) == (MAX_ROWS + 1, MAX_ROWS)
    assert told["rows"][-1]["on_hand"] == MAX_ROWS - 1
    assert {len(told["request_id"]), len(told["rows"][0]["sku_id"])} == {MAX_TEXT_LENGTH}


def test_a_line_that_a_crash_cut_short_is_ended_and_told_of(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for text, expected in (("", 1), ('{"whole": 1}\n', 2), ('{"whole": 1}\n{"cut', 4)):
        path.write_text(text)
        log = AuditLog(path, lambda: SECONDS + 0.5)
        log.write("change", subject="a\nb")
        log.close()
        lines = path.read_text().splitlines()
        assert len(lines) == expected
        entry = json.loads(lines[-1])
        assert (entry["subject"], entry["time"]) == ("a\nb", "2025-06-15T15:06:40.500+00:00")
    assert json.loads(lines[-2])["outcome"] == "LINE_CUT_SHORT"
    assert lines[-3] == '{"cut'


def test_a_line_that_a_full_disk_cut_short_is_ended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "audit.jsonl", os.write
    log = AuditLog(path, lambda: SECONDS)
    with monkeypatch.context() as full:
        full.setattr("server.security.audit.os.write", lambda file, raw: write(file, raw[:9]))
        with pytest.raises(AuditUnusable, match="full"):
            log.write("lost")
    log.write("kept")
    log.close()
    _, told, kept = path.read_text().splitlines()
    assert (json.loads(told)["outcome"], json.loads(kept)["what"]) == ("LINE_CUT_SHORT", "kept")


def test_a_line_is_on_disk_before_the_write_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    write, sync = os.write, os.fsync
    monkeypatch.setattr(os, "write", lambda *a: (done.append("write"), write(*a))[1])
    monkeypatch.setattr(os, "fsync", lambda *a: (done.append("fsync"), sync(*a))[1])
    log = AuditLog(tmp_path / "audit.jsonl", lambda: SECONDS)
    for _ in range(2):
        log.write("change")
    log.close()
    assert done == ["write", "fsync"] * 2


def test_a_folder_is_no_audit_log(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"audit\.path: cannot be written"):
        AuditLog(tmp_path, lambda: SECONDS)
