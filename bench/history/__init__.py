"""Recorded histories of ledgers, and the checker that proves or refutes them: docs/history.md."""
