"""Servers that share a ledger: workers on one port, processes on one database, copies that get old."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.postgres_server import drop_database, new_database
from router.errors import InvalidConfig, LedgerUnusable
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2, sourcing_pb2_grpc, stock_pb2, stock_pb2_grpc
from server.config import load_config
from server.workers import check_workers, reserved
from tests.e2e.files import write_shop
from tests.e2e.service import Service, failure, new_id, order

ROOT = Path(__file__).parents[2]
NODES = ("store-paris", "store-lille", "dc-lyon")


class Process:
    """``sourcier serve``, and what it says."""

    def __init__(self, config: Path, *arguments: str, **environ: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "serve", "--config", str(config), *arguments],
            cwd=ROOT,
            env=os.environ | environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stderr is not None
        with self.popen.stderr as lines:
            self.said.extend(iter(lines.readline, ""))

    def wait_for(self, pattern: str, count: int = 1) -> list[re.Match[str]]:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = [match for line in list(self.said) if (match := re.search(pattern, line))]
            if len(found) >= count:
                return found
            assert self.popen.poll() is None, "".join(self.said)
            time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def end(self) -> int:
        self.popen.terminate()
        code = self.popen.wait(60)
        self._reader.join(10)
        return code


@contextmanager
def serving(config: Path, *arguments: str, **environ: str) -> Iterator[Process]:
    process = Process(config, *arguments, **environ)
    try:
        yield process
    finally:
        process.popen.terminate()
        try:
            process.popen.wait(30)
        except subprocess.TimeoutExpired:
            process.popen.kill()
            process.popen.wait()


def channel_to(port: str | int) -> grpc.Channel:
    """A connection of its own."""
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])


def asked(reservation: Any, *, sku: str) -> sourcing_pb2.SourceOrderRequest:
    return sourcing_pb2.SourceOrderRequest(request_id=reservation, order=order((sku, 1)))


def units_left(channel: grpc.Channel, sku: str) -> int:
    answer = stock_pb2_grpc.StockServiceStub(channel).GetAvailability(
        stock_pb2.GetAvailabilityRequest(sku_ids=[sku])
    )
    return sum(row.available_to_promise for row in answer.availabilities)


def test_workers_share_a_port_and_never_sell_twice(tmp_path: Path) -> None:
    config = write_shop(tmp_path / "shop")
    with serving(config, "--workers", "2") as process:
        [port] = {match[1] for match in process.wait_for(r"event=started port=(\d+) ", 2)}
        channels = [channel_to(port) for _ in range(12)]
        stubs = [sourcing_pb2_grpc.SourcingServiceStub(channel) for channel in channels]
        replicas = [
            stock_pb2_grpc.StockServiceStub(channel).GetReplica(stock_pb2.GetReplicaRequest())
            for channel in channels
        ]
        assert {replica.worker for replica in replicas} == {1, 2}
        assert len({replica.process_id for replica in replicas}) == 2
        assert len({replica.ledger_id for replica in replicas}) == 1

        def buy(i: int) -> bool:
            request = asked(f"buy-{i}", sku="sku-001")
            for _ in range(20):
                try:
                    return bool(stubs[i % len(stubs)].SourceOrder(request).reservation_id)
                except grpc.RpcError as error:  # others took what was chosen in each of its attempts
                    if error.code() is not grpc.StatusCode.ABORTED:  # type: ignore[attr-defined]
                        raise
            return False

        with ThreadPoolExecutor(12) as pool:
            bought = sum(pool.map(buy, range(60)))
        assert bought == 28  # 10 + 10 + 10 without Lille's two of safety stock
        assert units_left(channels[0], "sku-001") == 0
        # A worker that is killed is started again; the others go on.
        victim = replicas[0].process_id
        os.kill(victim, signal.SIGKILL)
        process.wait_for(r"event=started port=", 3)
        process.wait_for(r"event=worker_died")
        for channel in channels:
            channel.close()
        with channel_to(port) as channel:
            assert units_left(channel, "sku-001") == 0
        assert process.end() == 0
        assert sum("event=stopped" in line for line in process.said) == 2
        assert not any("Traceback" in line for line in process.said)


def test_servers_on_one_database_see_what_the_other_did(tmp_path: Path) -> None:
    url = new_database()
    config = write_shop(tmp_path / "shop")
    config.write_text(config.read_text().replace("ledger: {path: ledger.db}", "ledger: {kind: postgres}"))
    environ = {"SOURCIER_LEDGER_URL": url}
    with serving(config, **environ) as first, serving(config, **environ) as second:
        ports = [process.wait_for(r"event=started port=(\d+) ")[0][1] for process in (first, second)]
        here, there = (channel_to(port) for port in ports)
        requests = [asked(f"buy-{i}", sku="sku-002") for i in range(31)]
        stubs = [sourcing_pb2_grpc.SourcingServiceStub(channel) for channel in (here, there)]
        answers = [stubs[i % 2].SourceOrder(request) for i, request in enumerate(requests)]
        assert [bool(answer.reservation_id) for answer in answers] == [True] * 28 + [False] * 3
        first.popen.kill()
        again = stubs[1].SourceOrder(requests[0])
        assert again.reservation_id == answers[0].reservation_id
        here.close()
        there.close()
    drop_database(url)


def test_an_old_copy_decides_nothing_but_confirms_and_releases(
    own_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = own_service.sku()
    held = [own_service.reserve(order((sku, 1))).reservation_id for _ in range(2)]
    replica = own_service.stock.GetReplica(stock_pb2.GetReplicaRequest())
    assert replica.stock_version == replica.ledger_version == own_service.world.ledger.version()
    assert (replica.worker, replica.process_id) == (0, os.getpid())
    own_service.world.settings = replace(own_service.world.settings, max_stale_seconds=0.3)

    def unreachable() -> None:
        raise LedgerUnusable("the network swallows it")

    own_service.ledger.before["changes"] = unreachable
    time.sleep(0.6)
    assert own_service.stock.GetReplica(stock_pb2.GetReplicaRequest()).stale_millis > 300
    found = failure(lambda: own_service.quote(order((sku, 1))))
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "STALE_SNAPSHOT")
    batch = sourcing_pb2.SourceOrdersRequest(orders=[order((sku, 1))], validate_only=True)
    assert failure(lambda: own_service.sourcing.SourceOrders(batch)).reason == "STALE_SNAPSHOT"
    monkeypatch.setattr(own_service.world, "follow", lambda: 0)
    confirm = reservation_pb2.ConfirmReservationRequest(reservation_id=held[0])
    release = reservation_pb2.ReleaseReservationRequest(reservation_id=held[1])
    own_service.reservations.ConfirmReservation(confirm)
    own_service.reservations.ReleaseReservation(release)
    monkeypatch.undo()
    del own_service.ledger.before["changes"]
    own_service.world.follow()
    assert own_service.quote(order((sku, 1))).decision.plan.shipments


def test_a_stopping_server_says_so_first_and_answers_what_it_took(tmp_path: Path) -> None:
    config = write_shop(tmp_path / "shop")
    config.write_text(config.read_text() + "  drain_seconds: 1\n")
    with serving(config) as process:
        [port] = [match[1] for match in process.wait_for(r"event=started port=(\d+) ")]
        with channel_to(port) as channel:
            stub, health = sourcing_pb2_grpc.SourcingServiceStub(channel), health_pb2_grpc.HealthStub(channel)
            answered: list[str] = []
            refused: list[Any] = []
            stopped, statuses = threading.Event(), []

            def call(worker: int) -> None:
                while not stopped.is_set():
                    request_id = new_id(f"w{worker}")
                    try:
                        answer = stub.SourceOrder(asked(request_id, sku=f"sku-{100 + worker:03d}"))
                    except grpc.RpcError as error:
                        refused.append(error)
                        return
                    if answer.reservation_id:
                        answered.append(answer.reservation_id)

            threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
            process.popen.terminate()
            until = time.monotonic() + 0.8
            while time.monotonic() < until:
                statuses.append(health.Check(health_pb2.HealthCheckRequest()).status)
                time.sleep(0.05)
            served = len(answered)
            assert health_pb2.HealthCheckResponse.NOT_SERVING in statuses
            assert process.popen.wait(30) == 0
            stopped.set()
            for thread in threads:
                thread.join()
            assert served > 0
            codes = {error.code() for error in refused}
            assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    # Whatever was answered is in the ledger.
    with serving(config) as process:
        [port] = [match[1] for match in process.wait_for(r"event=started port=(\d+) ")]
        with channel_to(port) as channel:
            from server.api.sourcing.v1 import reservation_pb2_grpc

            reservations = reservation_pb2_grpc.ReservationServiceStub(channel)
            for reservation_id in answered:
                request = reservation_pb2.GetReservationRequest(reservation_id=reservation_id)
                assert reservations.GetReservation(request).reservation_id == reservation_id


def test_what_processes_cannot_share_is_a_mistake_in_the_config(tmp_path: Path) -> None:
    config = load_config(write_shop(tmp_path / "shop"), environ={})
    check_workers(config, 2)
    check_workers(replace(config, ledger=None), 1)
    for wrong in (replace(config, ledger=None), replace(config, address="unix:/run/x.sock")):
        with pytest.raises(InvalidConfig, match=r"server\.workers"):
            check_workers(wrong, 2)
    with reserved("127.0.0.1:0") as holder:
        port = holder.getsockname()[1]
        with pytest.raises(InvalidConfig, match=r"server\.address"):
            reserved(f"127.0.0.1:{port}")
    with pytest.raises(InvalidConfig, match=r"server\.address"):
        reserved("no.such.host.invalid:1")
