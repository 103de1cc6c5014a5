"""Adapters of the ledger port: memory (the specification) and SQLite (durable, embedded)."""

from server.ledger.memory import MemoryLedger
from server.ledger.sqlite import SqliteLedger

__all__ = ["MemoryLedger", "SqliteLedger"]
