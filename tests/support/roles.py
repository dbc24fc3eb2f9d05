"""The three roles of docs/store.md in a real PostgreSQL, made by the very SQL that stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.environment import ROOT
from tests.support.postgresql import plain

OWNER, WRITER, READER = "police_owner", "police_writer", "police_reader"
DATABASE = "police"
_SECTION = re.search(r"^## Three roles\n(.*?)^## ", (ROOT / "docs" / "store.md").read_text(), re.MULTILINE | re.DOTALL)
# For the administrator: first in any database, then in the new one.
CLUSTER_SQL, DATABASE_SQL = re.findall(r"^```sql\n(.*?)^```", _SECTION[1] if _SECTION else "", re.MULTILINE | re.DOTALL)
_ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", _SECTION[1] if _SECTION else "", re.MULTILINE)
# What each role needs on each table or view, one privilege at a time.
LEAST = {
    role: [(privilege, table) for table, *cells in _ROWS for privilege in re.findall("[A-Z]+", cells[place])]
    for place, role in enumerate((WRITER, READER))
}


def as_role(url: str, role: str) -> str:
    """The URL for a role."""
    return re.sub(r"//[^@]*@", f"//{role}@", url)


@contextmanager
def with_roles(server: str) -> Iterator[str]:
    """Run the documented SQL; yield an administrator's URL of the database. All is gone at the end."""
    url = re.sub(r"/[^/]*$", f"/{DATABASE}", server)
    with psycopg.connect(plain(server), autocommit=True) as admin:
        for statement in filter(str.strip, CLUSTER_SQL.split(";")):
            admin.execute(statement)
    try:
        with psycopg.connect(plain(url), autocommit=True) as admin:
            admin.execute(DATABASE_SQL)
        yield url
    finally:
        with psycopg.connect(plain(server), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
            for role in (OWNER, WRITER, READER):
                admin.execute(f"DROP ROLE {role}")
