"""JSON Schemas of the YAML files, for editors and other tools: ``python -m server.load.schema FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from router.rules.model import RuleSet
from server.config import ConfigDocument
from server.load.network import NetworkDocument

MODELS: dict[str, tuple[str, type[BaseModel]]] = {
    "rules.schema.json": ("Sourcier rules", RuleSet),
    "network.schema.json": ("Sourcier network", NetworkDocument),
    "config.schema.json": ("Sourcier config", ConfigDocument),
}


def schema_text(name: str) -> str:
    """The schema that belongs into the file ``name``."""
    title, model = MODELS[name]
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps({**schema, "title": title}, indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> None:
    """Writes every schema into ``folder``, made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        (folder / name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/schema"))
