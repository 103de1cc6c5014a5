"""The config file: defaults, the environment, and where its mistakes are said to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.errors import InvalidConfig
from router.solver.limits import SearchLimits
from server.config import Config, ConfigDocument, load_config
from server.config_ledger import Database
from server.load.schema import MODELS, schema_text
from server.security.reading import Security

FILES = {
    "network": "network.yaml",
    "nodes": "nodes.csv",
    "closures": "closures.csv",
    "trust": "trust.csv",
    "offers": "offers.csv",
    "pickup_points": "points.csv",
    "skus": "skus.csv",
    "kits": "kits.csv",
    "stock": "stock.csv",
    "receipts": "receipts.csv",
    "rules": "r.yaml",
}
TEXT = "version: 1\n" + "".join(f"{key}: {name}\n" for key, name in FILES.items())
SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES.values():
        (tmp_path / name).touch()
    return tmp_path


def load(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "sourcier.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ)


def mistakes(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(InvalidConfig) as raised:
        load(folder, text, **environ)
    return [str(violation).replace(f"{folder}/", "") for violation in raised.value.violations]


def test_defaults_and_paths_beside_the_file(folder: Path) -> None:
    assert load(folder, TEXT) == Config(
        network=folder / "network.yaml",
        nodes=folder / "nodes.csv",
        closures=folder / "closures.csv",
        trust=folder / "trust.csv",
        offers=folder / "offers.csv",
        pickup_points=folder / "points.csv",
        skus=folder / "skus.csv",
        kits=folder / "kits.csv",
        rules=folder / "r.yaml",
        stock=folder / "stock.csv",
        receipts=folder / "receipts.csv",
        ledger=folder / "sourcier.db",
        stock_copy=None,
        address="localhost:50051",
        threads=8,
        max_message_bytes=67_108_864,
        max_orders_per_call=10_000,
        hold_seconds=900,
        collect_hold_seconds=86_400,
        reserve_attempts=4,
        grace_seconds=10,
        drain_seconds=0,
        max_calls_per_connection=256,
        max_waiting_calls=1_000,
        max_wait_millis=1_000,
        workers=1,
        max_stale_seconds=30,
        search=SearchLimits(),
        security=Security(),
        audit=None,
        metrics_address=None,
        tracing_endpoint=None,
        sample_ratio=0.01,
    )


def test_everything_can_be_stated(folder: Path) -> None:
    text = TEXT.replace("stock: stock.csv\n", "").replace("closures: closures.csv\n", "")
    text = text.replace("pickup_points: points.csv\n", "").replace("receipts: receipts.csv\n", "")
    text = text.replace("trust: trust.csv\n", "").replace("offers: offers.csv\n", "").replace(
        "kits: kits.csv\n", ""
    ) + (
        f"ledger: {{kind: sqlite, path: {folder}/led.db}}\n"
        "server: {address: 'unix:/run/s.sock', threads: 1, max_message_bytes: 65536,\n"
        "         max_orders_per_call: 5, hold_seconds: 60, collect_hold_seconds: 90,\n"
        "         reserve_attempts: 1, grace_seconds: 0}\n"
        "solver: {node_limit: 7, time_limit_seconds: 0.5}\n"
    )
    config = load(folder, text)
    assert (config.stock, config.receipts, config.kits) == (None, None, None)
    assert (config.closures, config.trust, config.pickup_points, config.offers) == (None, None, None, None)
    assert config.ledger == folder / "led.db"
    assert (config.address, config.threads, config.max_message_bytes) == ("unix:/run/s.sock", 1, 65_536)
    assert (config.max_orders_per_call, config.hold_seconds, config.reserve_attempts) == (5, 60, 1)
    assert config.collect_hold_seconds == 90
    assert config.search == SearchLimits(node_limit=7, time_limit_seconds=0.5)
    assert load(folder, TEXT + "ledger: {kind: memory}\n").ledger is None


def test_a_database_is_named_by_the_config_or_the_environment_and_never_shown(folder: Path) -> None:
    text = TEXT + "ledger: {kind: postgres, url: 'postgresql://db/stock'}\n"
    assert load(folder, text).ledger == Database("postgresql://db/stock")
    config = load(folder, text, SOURCIER_LEDGER_URL="postgresql://me:secret@db/stock")
    assert config.ledger == Database("postgresql://me:secret@db/stock")
    assert "secret" not in repr(config)


def test_the_environment_states_address_and_ledger_only(folder: Path) -> None:
    text = TEXT + "server: {address: 'a:1'}\nledger: {path: x.db}\n"
    config = load(folder, text, SOURCIER_ADDRESS="[::]:0", SOURCIER_LEDGER_PATH="y.db", SOURCIER_THREADS="3")
    assert (config.address, config.ledger, config.threads) == ("[::]:0", folder / "y.db", 8)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("nodes.csv", "gone.csv", "sourcier.yaml:3:1 nodes: no file 'gone.csv'"),
        ("closures.csv", "gone.csv", "sourcier.yaml:4:1 closures: no file 'gone.csv'"),
        ("points.csv", "gone.csv", "sourcier.yaml:7:1 pickup_points: no file 'gone.csv'"),
        ("nodes.csv", ".", "sourcier.yaml:3:1 nodes: no file '{folder}'"),
        ("r.yaml\n", "r.yaml\nserver: {hold_seconds: 604801}\n",
         "sourcier.yaml:13:10 server.hold_seconds: must be at most 604800, is 604801"),
        ("nodes: nodes.csv\n", "", "sourcier.yaml:1:1 nodes: is required"),
        ("skus:", "sku:", "sourcier.yaml:8:1 sku: unknown key; did you mean 'skus'?"),
        ("version: 1", "version: 2", "sourcier.yaml:1:1 version: 2 is not one of 1"),
        ("r.yaml\n", "r.yaml\nserver:\n  threads: 0\n",
         "sourcier.yaml:14:3 server.threads: must be at least 1, is 0"),
        ("r.yaml\n", "r.yaml\nserver:\n  address: here\n",
         "sourcier.yaml:14:3 server.address: 'here' is neither host:port nor unix:path"),
        ("r.yaml\n", "r.yaml\nserver: {address: 'a:65536'}\n",
         "sourcier.yaml:13:10 server.address: 'a:65536' is neither host:port nor unix:path"),
        ("r.yaml\n", "r.yaml\nledger: {kind: memory, path: x.db}\n",
         "sourcier.yaml:13:24 ledger.path: is for kind sqlite, this is memory"),
        ("r.yaml\n", "r.yaml\nledger: {kind: oracle}\n",
         "sourcier.yaml:13:10 ledger.kind: 'oracle' is not one of sqlite, postgres, memory"),
        ("r.yaml\n", "r.yaml\nledger: {kind: postgres}\n",
         "sourcier.yaml:13:1 ledger: kind postgres needs url, or SOURCIER_LEDGER_URL in the environment"),
        ("r.yaml\n", "r.yaml\nledger: {kind: postgres, url: db.example}\n",
         "sourcier.yaml:13:26 ledger.url: is no URL that begins with postgresql://"),
        ("r.yaml\n", "r.yaml\nledger: {url: 'postgresql://db/stock'}\n",
         "sourcier.yaml:13:10 ledger.url: is for kind postgres, this is sqlite"),
        ("r.yaml\n", "r.yaml\nledger: {path: no/x.db}\n", "sourcier.yaml:13:10 ledger.path: no folder 'no'"),
        ("r.yaml\n", "r.yaml\nledger: {path: ..}\n", "sourcier.yaml:13:10 ledger.path: '..' is a folder"),
        ("r.yaml\n", "r.yaml\nsolver: {time_limit_seconds: .inf}\n",
         "sourcier.yaml:13:10 solver.time_limit_seconds: must be a finite number, is inf"),
    ],
)  # fmt: skip
def test_mistakes_name_line_and_key(folder: Path, old: str, new: str, expected: str) -> None:
    assert TEXT.count(old) == 1
    assert expected.replace("{folder}", str(folder)) in mistakes(folder, TEXT.replace(old, new))


def test_all_missing_files_at_once(tmp_path: Path) -> None:
    assert [line.split(":")[2] for line in mistakes(tmp_path, TEXT)] == [
        "1 network", "1 nodes", "1 closures", "1 trust", "1 offers", "1 pickup_points", "1 skus",
        "1 kits", "1 stock",
        "1 receipts", "1 rules",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "text", "expected"),
    [
        ({"SOURCIER_ADDRESS": "x"}, "", "SOURCIER_ADDRESS: 'x' is neither host:port nor unix:path"),
        ({"SOURCIER_LEDGER_PATH": "no/x.db"}, "", "SOURCIER_LEDGER_PATH: no folder 'no'"),
        (
            {"SOURCIER_LEDGER_PATH": "x.db"},
            "ledger: {kind: memory}\n",
            "SOURCIER_LEDGER_PATH: is set, but ledger.kind is memory",
        ),
        (
            {"SOURCIER_LEDGER_URL": "postgresql://db/stock"},
            "",
            "SOURCIER_LEDGER_URL: is set, but ledger.kind is sqlite",
        ),
        (
            {"SOURCIER_LEDGER_URL": "db.example"},
            "ledger: {kind: postgres}\n",
            "SOURCIER_LEDGER_URL: is no URL that begins with postgresql://",
        ),
    ],
)
def test_mistakes_of_the_environment_name_the_variable(
    folder: Path, environ: dict[str, str], text: str, expected: str
) -> None:
    assert mistakes(folder, TEXT + text, **environ) == [expected]


@pytest.mark.parametrize("name", sorted(MODELS))
def test_committed_schemas_are_those_of_the_models(name: str) -> None:
    committed = (SCHEMAS / name).read_text(encoding="utf-8")
    assert committed == schema_text(name), "run: python -m server.load.schema"


def test_every_setting_is_described_and_defaults_are_in_the_schema() -> None:
    schema = ConfigDocument.model_json_schema()
    sections = [schema, *schema["$defs"].values()]
    properties = [(name, p, s) for s in sections for name, p in s["properties"].items()]
    assert len(properties) > 15
    for name, entry, section in properties:
        assert entry.get("description") or "$ref" in entry, name
        assert "default" in entry or name in section["required"], name
    assert json.loads(schema_text("config.schema.json"))["additionalProperties"] is False
