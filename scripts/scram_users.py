"""Gives the users of a file (NAME=PASSWORD a line) their SCRAM passwords: scram_users.py FILE SERVER.

Kafka's own tool takes one password a call, in a new JVM.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kafka.admin import KafkaAdminClient, UserScramCredentialUpsertion


def main(file: Path, server: str) -> None:
    """Set each user's password for both mechanisms."""
    users = [line.split("=", 1) for line in file.read_text().splitlines()]
    admin = KafkaAdminClient(bootstrap_servers=server)
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):  # the brokers refuse two of a user in one request
        admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(name, mechanism, password) for name, password in users]
        )
    admin.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
