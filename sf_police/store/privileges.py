"""What a role of PostgreSQL may not do, in words: who may, and where to read what to grant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from sf_police.errors import SfPoliceError
from sf_police.store.backend import Relation, cause

# As PostgreSQL says it.
IS_DENIED: Final = "42501"
_DEFINES: Final = re.compile(r"\s*(CREATE|COMMENT|ALTER)\b", re.IGNORECASE)
_DROPS: Final = re.compile(r"\s*DROP\b", re.IGNORECASE)
_TEMPORARY: Final = "GRANT TEMPORARY ON DATABASE to the stream's user"
_GRANTS: Final = "grant it what docs/store.md lists for its work"

_READ: Final = ("SELECT",)
_ADD: Final = ("SELECT", "INSERT", "UPDATE")
# What a stream's role needs for each table; for one of the kept totals it is _ADD, for a view _READ.
_WRITERS: Final[dict[str, tuple[str, ...]]] = {
    "streams": (*_ADD, "DELETE"),
    "batches": (*_ADD, "DELETE"),
    "rejected": ("SELECT", "INSERT", "DELETE"),
    "settled": ("SELECT", "INSERT", "DELETE"),
}
_ONLY_IF_EXPIRING: Final = frozenset({("batches", "DELETE"), ("rejected", "DELETE")})
_LACKING: Final = text("""
    SELECT name, privilege FROM json_to_recordset(:needs) AS need (name TEXT, privilege TEXT)
    WHERE NOT has_table_privilege(format('%I.%I', CAST(:schema AS TEXT), name), privilege) ORDER BY name, privilege""")
_MAY_USE_TEMPORARY: Final = text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")


def writers_needs(relations: Iterable[Relation], *, expires: bool) -> list[tuple[str, str]]:
    """Return what a stream's role needs, as names of tables and views with a privilege each.

    Args:
        relations: of the store.
        expires: whether old micro-batches and rejected records are deleted (RETENTION).
    """
    needs = [
        (each.name, privilege)
        for each in relations
        for privilege in (_READ if each.is_view else _WRITERS.get(each.name, _ADD))
    ]
    return [need for need in needs if expires or need not in _ONLY_IF_EXPIRING]


def ensure_writer(connection: Connection, schema: str, needs: Iterable[tuple[str, str]], *, where: str) -> None:
    """Raise SfPoliceError if this role lacks one of the privileges, or may make no temporary table."""
    rows = json.dumps([{"name": name, "privilege": privilege} for name, privilege in needs])
    lacking = connection.execute(_LACKING, {"needs": rows, "schema": schema}).first()
    if lacking:
        raise SfPoliceError(f"{where}: this role has no {lacking.privilege} on {lacking.name}", remedy=_GRANTS)
    if not connection.execute(_MAY_USE_TEMPORARY).scalar():
        raise SfPoliceError(f"{where}: this role may make no temporary tables", remedy=_TEMPORARY)


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
        return SfPoliceError(f"{where}: {said}", remedy=_TEMPORARY)
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
