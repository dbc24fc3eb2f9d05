"""What a role of PostgreSQL may not do, in words: who may, and where to read what to grant."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from sf_police.errors import SfPoliceError
from sf_police.store.backend import cause

# As PostgreSQL says it.
IS_DENIED: Final = "42501"
_DEFINES: Final = re.compile(r"\s*(CREATE|COMMENT|ALTER)\b", re.IGNORECASE)
_DROPS: Final = re.compile(r"\s*DROP\b", re.IGNORECASE)
_GRANTS: Final = "grant it what docs/store.md lists for its work"


def ensure_usage(connection: Connection, schema: str) -> None:
    """Raise SfPoliceError if our schema is there, but not for this role, to which it would look empty."""
    query = text("SELECT current_user, has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = :schema")
    found = connection.execute(query, {"schema": schema}).first()
    if found and not found[1]:
        raise SfPoliceError(f"the role {found[0]} may not use the schema {schema}", remedy=_GRANTS)


def denied(error: Any, where: str) -> SfPoliceError:
    """Return what was denied, and who may do it.

    Args:
        error: SQLAlchemy's, with the statement, around the driver's.
        where: the store, in words.
    """
    said = cause(error)
    if "temporary tables" in said:
        return SfPoliceError(f"{where}: {said}", remedy="GRANT TEMPORARY ON DATABASE to the stream's user")
    if "for database" in said:
        remedy = "let the administrator make the schema, as in docs/store.md"
        return SfPoliceError(f"{where} is not there, and this role may not make its schema ({said})", remedy=remedy)
    if _DEFINES.match(error.statement or ""):
        what = f"{where} lacks something that only its owner may make ({said})"
        return SfPoliceError(what, remedy="run `sf-police init-store` as the owner")
    if _DROPS.match(error.statement or ""):
        what = f"{where} can be deleted by its owner alone ({said}); nothing was deleted"
        return SfPoliceError(what, remedy="run `make reset` as the owner")
    return SfPoliceError(f"{where}: this role may not do that ({said})", remedy=_GRANTS)
