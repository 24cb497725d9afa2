"""The service with a bug planted in it, for the fault programme to catch: it answers before the commit.

A batch's COMMIT waits for the next batch, so what was acknowledged meanwhile is lost when the process is killed.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import ground.sqlite as engine
from app import main
from ground.sqlite import SqliteTx, step


def answer_before_commit(connection: sqlite3.Connection, batch: Sequence[Any]) -> tuple[list[Any], frozenset[str]]:
    """As `_run_batch`, but the COMMIT of this batch is left to the next one."""
    if connection.in_transaction:
        connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    settled: list[Any] = []
    topics: set[str] = set()
    for waiting in batch:
        tx = SqliteTx(connection, writing=True)
        connection.execute("SAVEPOINT act")
        try:
            settled.append((waiting, step(waiting.act(tx)), None))
        except Exception as error:  # noqa: BLE001 - as the engine does
            connection.execute("ROLLBACK TO act")
            settled.append((waiting, None, error))
        connection.execute("RELEASE act")
        topics |= tx.topics
    return settled, frozenset(topics)


if __name__ == "__main__":
    engine._run_batch = answer_before_commit
    main()
