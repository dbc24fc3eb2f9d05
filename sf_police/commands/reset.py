"""The command `reset`.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
"""

from __future__ import annotations

from contextlib import closing

from sf_police.commands.run import Run, say


def reset(run: Run) -> int:
    """Delete the checkpoint and the store, once both are proven to be ours; say what else is left in their places."""
    from sf_police.store.database import delete_database, open_database
    from sf_police.stream import deletion
    from sf_police.stream.checkpoint import exclusive
    from sf_police.stream.elsewhere import checkpoint_folder

    config = run.config
    with (
        closing(open_database(config.store, run.question, config.store_schema)) as database,
        exclusive(config.checkpoint, config.state_dir),
        database.held(),
        checkpoint_folder(config, say=say) as folder,
    ):
        where, stream = database.where, database.stream_if_readable()
        deletion.ensure_ours(folder, config.checkpoint, stream[0] if stream else None)
        deletion.ensure_together(folder, config.checkpoint, where, stream)
        is_known = deletion.names_store(folder, where)
        is_anything = database.is_there() or bool(folder.names(""))
        # The store first: if it is not ours, or in use, nothing is deleted.
        left = delete_database(config.store, run.question, config.store_schema, is_known=is_known)
        left += deletion.delete(folder)
    if not is_anything:
        say(f"nothing to delete: there is no checkpoint {config.checkpoint}, and {where} is not there")
        return 0
    if not left:
        say("deleted the checkpoint and the store; the next run starts over")
        return 0
    say("deleted the checkpoint and the store")
    say(f"left, as this program did not make it: {', '.join(left)}; move it away, or the next run refuses its place")
    return 0
