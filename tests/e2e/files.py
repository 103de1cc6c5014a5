"""A small shop, written as the files a user would write.

Distances to Paris (48.8566, 2.3522): store-paris 0 km, store-lille about 204 km, dc-lyon about 392 km. One
service with one tariff, so that handling decides: Paris is always cheapest, then Lille, then Lyon.
"""

from __future__ import annotations

from pathlib import Path

SKU_COUNT = 400
"""Tests take one SKU each, so that none sees the stock of another."""
NODES = ("dc-lyon", "store-lille", "store-paris")

NETWORK = """\
version: 1
currency: EUR
zones:
  - id: fr
    country: FR
tariffs:
  parcel:
    - {up_to_grams: 2000, cents: 500}
    - {up_to_grams: 30000, cents: 900}
services:
  - id: standard
    lanes:
      - {to_zones: [fr], transit_hours: 24, tariff: parcel}
"""
NODE_ROWS = """\
node_id,node_type,country,latitude,longitude,postal_code,services,processing_minutes,shipment_cents,safety_stock_units
store-paris,STORE,FR,48.8566,2.3522,75001,standard,60,100,0
store-lille,STORE,FR,50.6292,3.0573,59000,standard,60,200,2
dc-lyon,DISTRIBUTION_CENTER,FR,45.7640,4.8357,69001,standard,120,300,0
"""
RULES = """\
version: 1
default_profile: shop
profiles:
  - id: shop
    strategies:
      - id: cheapest
        eligibility:
          - {kind: max_distance, name: not-too-far, km: 600}
        objectives:
          - {kind: shipping}
          - {kind: handling}
          - {kind: split, cents: 50}
  - id: whatever-there-is
    strategies:
      - id: partial
        objectives:
          - {kind: shipping}
          - {kind: handling}
        limits: {allow_partial: true}
"""
BUSY_PARIS = (
    NODE_ROWS.replace("safety_stock_units\n", "safety_stock_units,capacity_orders\n")
    .replace("100,0\n", "100,0,2\n")
    .replace("200,2\n", "200,2,\n")
    .replace("300,0\n", "300,0,\n")
)
"""Paris gets two orders ready a day."""
SPLIT_COSTS_MORE = RULES.replace("cents: 50}", "cents: 70}")
BAD_RULES = RULES.replace("kind: shipping", "kind: shiping")
CONFIG = """\
version: 1
network: network.yaml
nodes: nodes.csv
skus: skus.csv
rules: rules.yaml
stock: stock.csv
ledger: {{path: {ledger}}}
server:
  address: {address}
  threads: 12
  max_message_bytes: 1000000
  max_orders_per_call: 50
  hold_seconds: 600
  reserve_attempts: 3
  grace_seconds: 10
"""


def sku_name(number: int) -> str:
    return f"sku-{number:03d}"


def write_shop(
    folder: Path,
    *,
    address: str = "127.0.0.1:0",
    rules: str = RULES,
    nodes: str = NODE_ROWS,
    receipts: str = "",
    kits: str = "",
) -> Path:
    """The path of the config. Every SKU weighs 1 kg and has 10 units in Paris, 10 in Lille (2 of them safety
    stock) and 10 in Lyon. receipts, kits: the text of such files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.yaml").write_text(NETWORK)
    (folder / "nodes.csv").write_text(nodes)
    (folder / "rules.yaml").write_text(rules)
    names = [sku_name(n) for n in range(SKU_COUNT)]
    skus = ["sku_id,weight_grams,unit_value_cents,labels", *(f"{name},1000,2500," for name in names)]
    # Two SKUs that nobody has in stock: rows of theirs are new.
    skus += ["nowhere-1,1000,2500,", "nowhere-2,1000,2500,"]
    (folder / "skus.csv").write_text("\n".join(skus) + "\n")
    rows = [f"{name},{node},10" for name in names for node in NODES]
    (folder / "stock.csv").write_text("\n".join(["sku_id,node_id,on_hand", *rows]) + "\n")
    config = folder / "sourcier.yaml"
    text = CONFIG.format(ledger="ledger.db", address=address)
    if receipts:
        (folder / "receipts.csv").write_text(receipts)
        text += "receipts: receipts.csv\n"
    if kits:
        (folder / "kits.csv").write_text(kits)
        text += "kits: kits.csv\n"
    config.write_text(text)
    return config
