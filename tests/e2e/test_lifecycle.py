"""Start, health, reflection, reload, expiry, stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from router.errors import InvalidConfig, LedgerUnusable
from router.ledger import StockUpdate
from server.app import SERVICE_NAMES, App, Serving, Ticker
from server.config import load_config
from server.ledger.sqlite import SqliteLedger
from server.opening import open_world, read_inputs
from tests.e2e.files import BAD_RULES, RULES, SPLIT_COSTS_MORE, write_shop
from tests.e2e.service import START_SECONDS, ManualClock, Service, order, running

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def health_of(channel: grpc.Channel, name: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return int(stub.Check(health_pb2.HealthCheckRequest(service=name)).status)


def test_every_service_is_healthy(service: Service) -> None:
    assert [health_of(service.channel, name) for name in ("", *SERVICE_NAMES)] == [SERVING] * (
        1 + len(SERVICE_NAMES)
    )


def test_reflection_lists_the_services_and_their_files(service: Service) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(service.channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="sourcing.v1.SourcingService"),
    ]
    listed, file = stub.ServerReflectionInfo(iter(asked))
    names = [s.name for s in listed.list_services_response.service]
    assert set(names) == {
        *SERVICE_NAMES,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert file.file_descriptor_response.file_descriptor_proto


def test_not_serving_until_a_decision_has_been_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warming, go_on = threading.Event(), threading.Event()

    def slow_warm_up(world: object) -> None:
        warming.set()
        assert go_on.wait(30)

    monkeypatch.setattr("server.app.warm_up", slow_warm_up)
    config = load_config(write_shop(tmp_path), environ={})
    world = open_world(config, read_inputs(config, START_SECONDS), ManualClock())
    serving = Serving(listen=config.address, threads=2, max_message_bytes=100_000, grace_seconds=5)
    app = App(world, serving)
    starting = threading.Thread(target=app.start)
    starting.start()
    assert warming.wait(30)
    with grpc.insecure_channel(f"127.0.0.1:{app.port}") as channel:
        app._ticker.tick()
        assert health_of(channel) == NOT_SERVING
        go_on.set()
        starting.join()
        assert health_of(channel) == SERVING
    app.stop()


def test_warming_up_changes_nothing(own_service: Service) -> None:
    assert own_service.reserved_units() == 0
    assert len(own_service.world.decisions) == 0


def test_a_graceful_stop_answers_calls_under_way(tmp_path: Path) -> None:
    with running(tmp_path / "shop") as service:
        sku = service.sku()
        entered, go_on = threading.Event(), threading.Event()

        def slow() -> None:
            entered.set()
            assert go_on.wait(30)

        service.ledger.before["reserve_many"] = slow
        asked = order((sku, 1))
        watch = health_pb2_grpc.HealthStub(service.channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == SERVING
        answer: list[object] = []
        caller = threading.Thread(target=lambda: answer.append(service.reserve(asked)))
        caller.start()
        assert entered.wait(30)
        stopping = threading.Thread(target=service.app.stop)
        stopping.start()
        # Callers are told first; the call under way is still being worked on.
        assert next(watch).status == NOT_SERVING
        assert caller.is_alive()
        go_on.set()
        caller.join()
        watch.cancel()
        stopping.join()
        [response] = answer
        assert response.reservation_id  # type: ignore[attr-defined]
        with pytest.raises(grpc.RpcError):
            service.quote(asked)
        service.app.stop = lambda: None  # type: ignore[method-assign]
    ledger = SqliteLedger(service.folder / "ledger.db", service.clock)
    found = ledger.find(response.reservation_id)  # type: ignore[attr-defined]
    ledger.close()
    assert found is not None


def test_state_outlives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "shop") as service:
        sku = service.sku()
        asked = order((sku, 3))
        first = service.reserve(asked, "the-id")
    with running(tmp_path / "shop") as service:
        # The stock file is only for a ledger that is new.
        assert service.available(sku)["store-paris"] == 7
        assert service.reserve(asked, "the-id").SerializeToString() == first.SerializeToString()
        assert service.available(sku)["store-paris"] == 7


def test_a_first_start_that_breaks_off_leaves_no_half_filled_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(write_shop(tmp_path), environ={})
    monkeypatch.setattr("server.ledger.sqlite_load.CHUNK_ROWS", 100)
    inputs = read_inputs(config, START_SECONDS)

    class PulledPlug(Exception):
        pass

    def pull(done: int, total: int) -> None:
        if done >= 200:
            raise PulledPlug

    with pytest.raises(PulledPlug):
        open_world(config, inputs, ManualClock(), lambda step: pull if step == "writing stock" else _ignore)
    assert config.ledger is not None
    assert not config.ledger.exists()
    world = open_world(config, inputs, ManualClock())
    assert len(world.snapshot.stock) == 1200
    world.ledger.close()


def _ignore(done: int, total: int) -> None:
    """A progress nobody looks at."""


def test_a_corrupt_or_foreign_ledger_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    config = load_config(write_shop(tmp_path), environ={})
    assert config.ledger is not None
    config.ledger.write_bytes(b"somebody's diary" * 100)
    with pytest.raises(LedgerUnusable, match=r"ledger\.db"):
        open_world(config, read_inputs(config, START_SECONDS), ManualClock())
    assert config.ledger.read_bytes() == b"somebody's diary" * 100


def test_an_address_in_use_is_a_mistake_in_the_config(service: Service, tmp_path: Path) -> None:
    config = load_config(write_shop(tmp_path), environ={})
    world = open_world(config, read_inputs(config, START_SECONDS), ManualClock())
    serving = Serving(listen=service.target, threads=1, max_message_bytes=100_000, grace_seconds=1)
    with pytest.raises(InvalidConfig, match=r"^server\.address: cannot listen on '127"):
        App(world, serving).start()
    world.ledger.close()


def rewrite(path: Path, text: str) -> None:
    """As editors do: another file takes the name."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_a_good_rule_file_comes_into_force(own_service: Service) -> None:
    here, there = own_service.sku(lille=0, lyon=0), own_service.sku(paris=0, lille=0)
    asked = order((here, 1), (there, 1))
    before = own_service.quote(asked).decision
    assert before.plan.cost.split_cents == 50
    rewrite(own_service.folder / "rules.yaml", SPLIT_COSTS_MORE)
    own_service.rules.check()
    after = own_service.quote(asked).decision
    assert after.plan.cost.split_cents == 70
    assert after.versions.rules_hash != before.versions.rules_hash


@pytest.mark.parametrize("text", [BAD_RULES, "", "\x00", RULES.replace("}", ""), "- just\n- a list\n"])
def test_a_bad_rule_file_keeps_the_last_good_one(
    own_service: Service, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = order((own_service.sku(), 1))
    before = own_service.quote(asked)
    path = own_service.folder / "rules.yaml"
    rewrite(path, text)
    with caplog.at_level("INFO", "sourcier"):
        own_service.rules.check()
        own_service.rules.check()
    assert own_service.rules.rejected is not None
    assert sum("event=rules_rejected" in line for line in caplog.messages) == 1
    assert any("rules.yaml" in line and "event=rule_file_mistake" in line for line in caplog.messages)
    assert own_service.quote(asked) == before
    assert health_of(own_service.channel) == SERVING
    path.unlink()
    own_service.rules.check()
    assert own_service.quote(asked) == before
    rewrite(path, SPLIT_COSTS_MORE)
    own_service.rules.check()
    assert own_service.rules.rejected is None
    assert own_service.world.snapshot.rules_hash != before.decision.versions.rules_hash


def test_whatever_fails_in_a_new_file_the_rules_in_force_stay(
    own_service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before = own_service.folder / "rules.yaml", own_service.world.snapshot.rules_hash

    def overflow(_: object) -> None:
        raise OverflowError("int too big to convert")

    monkeypatch.setattr(own_service.world, "use_rules", overflow)
    rewrite(path, SPLIT_COSTS_MORE)
    with caplog.at_level("INFO", "sourcier"):
        own_service.rules.check()
    assert own_service.rules.rejected is not None
    assert own_service.rules.rejected.violations[0].field == str(path)
    assert "int too big to convert" in own_service.rules.rejected.message
    assert own_service.world.snapshot.rules_hash == before
    assert any("event=rules_rejected" in line and before in line for line in caplog.messages)
    monkeypatch.undo()
    rewrite(path, SPLIT_COSTS_MORE + "\n")
    own_service.rules.check()
    assert own_service.rules.rejected is None
    assert own_service.world.snapshot.rules_hash != before


def test_rules_that_name_what_the_network_lacks_are_bad(own_service: Service) -> None:
    wrong = RULES.replace(
        "- {kind: max_distance, name: not-too-far, km: 600}",
        "- {kind: exclude_nodes, name: not-there, nodes: {ids: [store-pariss]}}",
    )
    rewrite(own_service.folder / "rules.yaml", wrong)
    own_service.rules.check()
    assert own_service.rules.rejected is not None
    assert "store-pariss" in own_service.rules.rejected.message


def test_the_ticker_ends_holds_and_survives_failures(
    own_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    sku = own_service.sku()
    own_service.reserve(order((sku, 1)), hold_seconds=10)
    own_service.clock.seconds += 10
    ticker = Ticker(own_service.world, own_service.rules)
    ticker.tick()
    assert own_service.world.snapshot.available(sku, "store-paris") == 10

    def fail() -> None:
        raise LedgerUnusable("disk full")

    own_service.ledger.before["expire"] = fail
    with caplog.at_level("INFO", "sourcier"):
        ticker.tick()
        ticker.tick()
    del own_service.ledger.before["expire"]
    assert sum("event=tick_failed" in line for line in caplog.messages) >= 1
    ticker.tick()


def test_a_server_whose_ledger_fails_sends_callers_elsewhere_until_it_works_again(
    own_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LedgerUnusable("disk full")

    before = own_service.world.snapshot.rules_hash
    ticker = own_service.app._ticker
    ticker.stop()  # from here on it ticks when the test says so
    for call in ("expire", "changes"):
        own_service.ledger.before[call] = fail
        ticker.tick()
        found = {health_of(own_service.channel, name) for name in ("", *SERVICE_NAMES)}
        assert found == {NOT_SERVING}
        del own_service.ledger.before[call]
        ticker.tick()
        assert health_of(own_service.channel) == SERVING
    # Rules are followed meanwhile; what is wrong with them is no reason to serve nobody.
    own_service.ledger.before["expire"] = fail
    rewrite(own_service.folder / "rules.yaml", SPLIT_COSTS_MORE)
    ticker.tick()
    assert own_service.world.snapshot.rules_hash != before
    del own_service.ledger.before["expire"]
    own_service.rules._world = None  # type: ignore[assignment]
    rewrite(own_service.folder / "rules.yaml", RULES)
    with caplog.at_level("INFO", "sourcier"):
        ticker.tick()
    assert health_of(own_service.channel) == SERVING
    assert any("event=tick_failed step=rules" in line for line in caplog.messages)
    own_service.rules._world = own_service.world


COMPILES_FOR_EVER = """
import threading
import server.app
server.app.warm_up = lambda world: threading.Event().wait()
from server.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_still_compiles_stops_when_it_is_told(tmp_path: Path, number: signal.Signals) -> None:
    config = write_shop(tmp_path / "shop")
    with subprocess.Popen(
        [sys.executable, "-c", COMPILES_FOR_EVER, "serve", "--config", str(config)],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        seen = next(line for line in process.stderr if "event=listening" in line)
        assert "port=" in seen
        process.send_signal(number)
        try:
            _, rest = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "event=stopped" in rest
    assert "event=started" not in rest


def test_a_first_decision_that_fails_ends_the_server(tmp_path: Path) -> None:
    config = write_shop(tmp_path / "shop")
    broken = COMPILES_FOR_EVER.replace("threading.Event().wait()", "1 // 0")
    done = subprocess.run(
        [sys.executable, "-c", broken, "serve", "--config", str(config)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr


def test_changes_by_another_process_are_followed(own_service: Service) -> None:
    sku = own_service.sku()
    other = SqliteLedger(own_service.folder / "ledger.db", own_service.clock)
    other.update_stock("", [StockUpdate(sku_id=sku, node_id="store-paris", on_hand=1)])
    other.close()
    own_service.world.follow()
    assert own_service.world.snapshot.available(sku, "store-paris") == 1


def test_nothing_of_a_request_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "sourcier"):
        service.reserve(order((service.sku(), 1), customer_segment="very-secret"))
    assert "very-secret" not in caplog.text
