"""PostgreSQL's errors in words: who is in the way, what is wrong with the connection, and what may pass by itself."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy.exc import OperationalError

from sf_police.errors import LostStoreError, SfPoliceError
from sf_police.store.backend import cause, gone
from sf_police.store.privileges import IS_DENIED, denied

# Codes of PostgreSQL's errors.
IS_LOCKED: Final = "55P03"
_HAS_DEPENDENTS: Final = "2BP01"
_IS_READ_ONLY: Final = "25006"
_IS_CANCELED: Final = "57014"
_IS_GONE: Final = ("42P01", "3F000")
# The connection failed (08, also as poolers say it) or was ended; no room for another one; a victim of a deadlock.
_IS_LOST: Final = re.compile(r"08...|57P0[1235]|25P0[34]|53300|40001|40P01")
# A connection that was refused has no code. Servers may say it in another language: then the last line helps.
_REMEDIES: Final = (
    (
        r"password|authentication failed",
        "check the user in STORE; give the password in PGPASSWORD, or in ~/.pgpass or the file that PGPASSFILE names",
    ),
    (r'role ".*" does not exist', "name another user in STORE (or PGUSER), or create the role"),
    (r'database ".*" does not exist', "create it (`createdb`), or name another one in STORE (or PGDATABASE)"),
    (r"permission denied for database", "let the user in: GRANT CONNECT ON DATABASE"),
    (r"pg_hba\.conf", "check host and user in STORE, or let them in by the server's pg_hba.conf"),
    (
        r"definition of service|service file",
        "check PGSERVICE, or `service` in STORE, against ~/.pg_service.conf (or PGSERVICEFILE)",
    ),
    (r"SSL|certificate", "check sslmode and sslrootcert in STORE (or PGSSLMODE, PGSSLROOTCERT)"),
    (r"resolve host|translate host name", "check the host in STORE (or PGHOST)"),
    (r"deadlock|serialize", "end what else writes to its tables"),
    (r"starting up|shutting down|recovery|too many|remaining connection slots", "try again once the server has room"),
    (r"", "start the server, or check host and port in STORE (or PGHOST, PGPORT)"),
)


def explained(error: BaseException, where: str, *, lock_timeout: str) -> SfPoliceError | None:
    """Return what an error means, if it is one that is known here; `where` names the store."""
    code = code_of(error)
    if code in _IS_GONE:
        return gone(where, error)
    if code == IS_LOCKED:
        return LostStoreError(
            f"{where} is locked by another connection's open transaction, after {lock_timeout} of waiting",
            remedy="end that transaction (it is in pg_stat_activity, perhaps `idle in transaction`), then run again",
        )
    return _lost(error, where) if _is_lost(error, code) else _refused(error, code, where)


def _refused(error: BaseException, code: str | None, where: str) -> SfPoliceError | None:
    if code == _HAS_DEPENDENTS:
        detail = str(getattr(getattr(error, "orig", None), "diag", None) and error.orig.diag.message_detail)  # type: ignore[attr-defined]
        return SfPoliceError(
            f"{where}: {detail.splitlines()[0]}, so nothing was dropped", remedy="drop that first, then run again"
        )
    if code == _IS_READ_ONLY:
        return SfPoliceError(f"{where} is read-only", remedy="set STORE to a server that takes writes")
    if code == _IS_CANCELED and "statement timeout" in str(error):
        return SfPoliceError(
            f"{where}: {cause(error)}",
            remedy="set statement_timeout to 0 for the stream's user, or MAX_OFFSETS_PER_TRIGGER to fewer records",
        )
    if code == IS_DENIED:
        return denied(error, where)
    return None


def code_of(error: BaseException) -> str | None:
    """Return the server's code of an error; None if the server did not say it, or only to refuse a connection."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _is_lost(error: BaseException, code: str | None) -> bool:
    if code is None:
        return isinstance(error, OperationalError)
    return bool(_IS_LOST.fullmatch(code))


def _lost(error: BaseException, where: str) -> LostStoreError:
    said = re.sub(r"^connection (failed|is bad): ", "", cause(error))
    remedy = next(remedy for pattern, remedy in _REMEDIES if re.search(pattern, said))
    return LostStoreError(f"{where}: {' '.join(said.split())}", remedy=remedy)
