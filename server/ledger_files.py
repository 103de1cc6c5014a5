"""``sourcier ledger``: back-up and restore of the ledger file of a config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router.errors import InvalidConfig
from server.config import load_config
from server.config_ledger import Database
from server.ledger.sqlite_backup import Facts, back_up, facts_of, restore
from server.tables import console_for

ledger_app = typer.Typer(no_args_is_help=True, help="The ledger file.")

ConfigOption = Annotated[Path, typer.Option("--config", help="Config file; sourcier.yaml by default.")]
DEFAULT_CONFIG = Path("sourcier.yaml")


@ledger_app.command("show")
def ledger_show(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check every page of the ledger file and tell what is in it."""
    _tell("ledger", facts_of(_file_of(config)))


@ledger_app.command("backup")
def ledger_backup(
    copy: Annotated[Path, typer.Argument(metavar="COPY", help="The file to be made.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Copy the ledger file as of now, while servers use it."""
    _tell("copied", back_up(_file_of(config), copy))


@ledger_app.command("restore")
def ledger_restore(
    copy: Annotated[Path, typer.Argument(metavar="COPY", help="A file that `ledger backup` made.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make the ledger file of a copy. No server may run, and no ledger may be there."""
    _tell("restored", restore(copy, _file_of(config)))


def _file_of(config: Path) -> Path:
    """Raises InvalidConfig when the ledger is no file."""
    ledger = load_config(config).ledger
    if isinstance(ledger, Path):
        return ledger
    how = "use pg_dump and pg_restore" if isinstance(ledger, Database) else "nothing outlives the process"
    raise InvalidConfig.at("ledger.kind", f"is not sqlite: {how}")


def _tell(what: str, facts: Facts) -> None:
    text = f"{what}: {facts.row_count:,} rows, stock version {facts.version}, ledger {facts.ledger_id}"
    console_for().print(text, markup=False, soft_wrap=True)
