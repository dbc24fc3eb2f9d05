"""Ways to a PostgreSQL that asks for a password, none of them on a command line; and what is said when one is wrong."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from sf_police.calls import QUESTION
from sf_police.errors import LostStoreError, SfPoliceError
from sf_police.store.answers import StoreReader
from sf_police.store.backend import shown
from sf_police.store.database import delete_database, existing_database, open_database
from tests.support.brokers import free_ports
from tests.support.builders import store_batch
from tests.support.postgresql import PostgreSQL, plain, running_pgbouncer, running_postgresql

PASSWORD = "c4nary-s3cret"
COUNTS = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 6)]
BARE = "postgresql+psycopg://"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql(PASSWORD) as server:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything of the user's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def secret_file(path: Path, content: str) -> Path:
    path.write_text(content)
    path.chmod(0o600)
    return path


def service(server: PostgreSQL, name: str = "calls", **options: object) -> str:
    own = {"host": "127.0.0.1", "port": server.port, "user": "tester", "dbname": "postgres", **options}
    return "\n".join([f"[{name}]", *(f"{option}={value}" for option, value in own.items())]) + "\n"


def assert_usable(url: str) -> None:
    """Whether a store can be made, written, read and deleted there, and shows no password."""
    with closing(open_database(url, QUESTION)) as database, database.held():
        database.create()
        store_batch(database, COUNTS)
        assert PASSWORD not in database.where
    with closing(existing_database(url, QUESTION)) as database:
        assert StoreReader(database).books().stored_counted == 6
    assert delete_database(url, QUESTION) == []


def without_password(server: PostgreSQL) -> str:
    return server.url.replace(f":{PASSWORD}", "")


@pytest.mark.parametrize("form", ["{url}", "{bare}?password={password}"])
def test_a_password_in_the_url_is_not_shown(server: PostgreSQL, form: str) -> None:
    assert_usable(form.format(url=server.url, bare=without_password(server), password=PASSWORD))


def test_a_password_is_found_in_pgpassword(server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)

    assert_usable(without_password(server))


def test_a_password_is_found_in_the_password_file(
    server: PostgreSQL, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = secret_file(home / ".pgpass", f"127.0.0.1:{server.port}:*:tester:{PASSWORD}\n")
    assert_usable(without_password(server))

    monkeypatch.setenv("PGPASSFILE", str(path.rename(home / "elsewhere")))
    assert_usable(without_password(server))


def test_a_service_says_where_and_who(server: PostgreSQL, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secret_file(home / ".pg_service.conf", service(server, password=PASSWORD))
    assert_usable(f"{BARE}?service=calls")

    monkeypatch.setenv("PGSERVICEFILE", str(path.rename(home / "elsewhere")))
    monkeypatch.setenv("PGSERVICE", "calls")
    assert_usable(BARE)


@pytest.mark.parametrize(
    "form", ["{bare}tester@/postgres?host={folder}&port={port}", "{bare}tester@{code}:{port}/postgres"]
)
def test_a_unix_socket_is_named_by_its_folder(server: PostgreSQL, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    code = str(server.folder).replace("/", "%2F")

    assert_usable(form.format(bare=BARE, folder=server.folder, code=code, port=server.port))


def test_of_several_hosts_the_one_that_answers_is_used(server: PostgreSQL) -> None:
    hosts = f"host=127.0.0.1:{free_ports()}&host=127.0.0.1:{server.port}&target_session_attrs=read-write"

    assert_usable(f"{BARE}tester:{PASSWORD}@/postgres?{hosts}")


def test_a_pooler_may_be_in_between(server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_pgbouncer(server) as port:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        assert_usable(without_password(server).replace(f":{server.port}/", f":{port}/"))


@pytest.mark.parametrize(
    ("change", "said", "remedy"),
    [
        ((PASSWORD, "wrong"), "password authentication failed", "check the user in STORE; give the password in PG"),
        ((f":{PASSWORD}", ""), "no password supplied", "check the user in STORE; give the password in PGPASSWORD, or"),
        (("tester", "nobody"), "authentication failed for user", "check the user in STORE; give the password in PG"),
        (("/postgres", "/none"), 'database "none" does not exist', "create it (`createdb`), or name another one in ST"),
        (("127.0.0.1", "no.invalid"), "no.invalid", "check the host in STORE (or PGHOST)"),
        (("@127.0.0.1", "@%2Fnowhere"), "/nowhere/.s.PGSQL", "start the server, or check host and port in STORE"),
        (("/postgres", "/?service=none"), 'service "none" not found', "check PGSERVICE, or `service` in STORE"),
        (("/postgres", "/postgres?sslmode=require"), "SSL", "check sslmode and sslrootcert in STORE"),
        (("/postgres", "/postgres?ssl=1"), 'invalid connection option "ssl"', ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_the_setting_to_look_at(
    server: PostgreSQL, change: tuple[str, str], said: str, remedy: str
) -> None:
    url = server.url.replace(*change, 1)

    with closing(open_database(url, QUESTION)) as database, pytest.raises(SfPoliceError) as refused:
        database.exists()

    assert said in refused.value.what
    assert refused.value.remedy.startswith(remedy)
    assert "\n" not in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_no_server_is_one_line(server: PostgreSQL) -> None:
    url = server.url.replace(f":{server.port}", f":{free_ports()}")

    with closing(open_database(url, QUESTION)) as database, pytest.raises(LostStoreError) as refused:
        database.exists()

    assert "Connection refused" in refused.value.what
    assert refused.value.remedy == "start the server, or check host and port in STORE (or PGHOST, PGPORT)"


def test_a_role_that_may_not_connect_is_told_what_to_grant(server: PostgreSQL) -> None:
    with psycopg.connect(plain(server.url), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
        admin.execute("CREATE DATABASE closed")
        admin.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    url = server.url.replace("tester", "guest").replace("/postgres", "/closed")

    with closing(open_database(url, QUESTION)) as database, pytest.raises(SfPoliceError) as refused:
        database.exists()

    assert refused.value.remedy == "let the user in: GRANT CONNECT ON DATABASE"


def test_a_server_that_does_not_answer_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{BARE}tester@127.0.0.1:{silent.getsockname()[1]}/postgres?connect_timeout=2"
        with (
            closing(open_database(url, QUESTION)) as database,
            pytest.raises(LostStoreError, match="timeout") as refused,
        ):
            database.exists()
    assert refused.value.remedy.startswith("start the server, or check host and port in STORE")


@pytest.mark.parametrize("by", ["nothing", "the URL", "the environment", "a service"])
def test_how_long_to_wait_for_a_connection_is_the_users_to_say(
    server: PostgreSQL, home: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    url, expected = server.url, "10"
    if by == "the URL":
        url, expected = f"{url}?connect_timeout=17", "17"
    elif by == "the environment":
        monkeypatch.setenv("PGCONNECT_TIMEOUT", "17")
        expected = "17"
    elif by == "a service":
        secret_file(home / ".pg_service.conf", service(server, password=PASSWORD, connect_timeout=17))
        url, expected = f"{BARE}?service=calls", "17"

    with closing(open_database(url, QUESTION)) as database, database.transaction() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
        options = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert options["connect_timeout"] == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+psycopg://a:b@h/d", "postgresql+psycopg://a:***@h/d"),
        (
            "postgresql+psycopg://a@h/d?password=b&sslpassword=c&sslmode=require",
            "postgresql+psycopg://a@h/d?password=***&sslmode=require&sslpassword=***",
        ),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, expected: str) -> None:
    assert shown(make_url(url)) == expected
