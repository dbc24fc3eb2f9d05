"""The command `init-store`: makes the store's tables and views, for a stream whose role may not."""

from __future__ import annotations

from contextlib import closing

from sf_police.commands.run import Run


def init_store(run: Run) -> int:
    """Create what the store lacks, and say what that was."""
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import open_database

    with closing(open_database(run.config.store, run.question, run.config.store_schema)) as database:
        StoreReader(database).stream()  # raises if the store is not ours to change
        made = database.create()
        print(f"{database.where}: made {', '.join(made)}" if made else f"{database.where} lacks nothing")
    return 0
