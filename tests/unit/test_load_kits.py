"""Kits from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.catalogue import Catalogue, Kit, Sku
from router.errors import InvalidConfig
from server.load.kits import with_kits

CATALOGUE = Catalogue.from_skus(
    [Sku(sku_id=name, weight_grams=1) for name in ("box", "leg", "set", "table", "top")]
)


def written(folder: Path, *rows: str) -> Path:
    path = folder / "kits.csv"
    path.write_text("\n".join(("kit_sku_id,component_sku_id,units,ships", *rows)) + "\n", encoding="utf-8")
    return path


def test_rows_make_kits(tmp_path: Path) -> None:
    path = written(tmp_path, "table,top,1,", "set,box,2,apart", "table,leg,4,together", "set,leg,1,")
    found = with_kits(CATALOGUE, path)
    assert found.kits == {
        "set": Kit((("box", 2), ("leg", 1)), apart=True),
        "table": Kit((("leg", 4), ("top", 1))),
    }
    assert found.sku("table").kit == found.kits["table"]
    assert found.sku("leg").kit is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("chair,leg,4,", ["3 kit_sku_id: no SKU 'chair'"]),
        ("set,seat,1,", ["3 component_sku_id: no SKU 'seat'"]),
        ("set,leg,,", ["3 units: is empty"]),
        ("set,leg,0,by post", ["3 units: 0 is not within 1..1000000",
                               "3 ships: 'by post' is not one of together, apart"]),
        ("set,table,1,", ["3 component_sku_id: 'table' is a kit itself"]),
        ("table,top,2,", ["3 component_sku_id: 'top' of kit 'table' is already stated in {file}:2"]),
        ("table,leg,4,apart", ["3 ships: kit 'table' ships together by {file}:2"]),
    ],
)  # fmt: skip
def test_mistakes_name_line_and_column(tmp_path: Path, row: str, expected: list[str]) -> None:
    path = written(tmp_path, "table,top,1,together", row)
    with pytest.raises(InvalidConfig) as raised:
        with_kits(CATALOGUE, path)
    found = [str(violation) for violation in raised.value.violations]
    assert found == [f"{path}:{line}".replace("{file}", str(path)) for line in expected]
