"""The properties format, against java.util.Properties itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sf_police.spark import jvm
from sf_police.topic.java_properties import decode_properties, parse_properties
from tests.support.question import resolve

FILES = {
    "separators": b"a=1\nb:2\nc 3\nd = 4\ne : 5\nf\t6\ng= = 7\nh==8\ni\nj=\n=k\n",
    "spaces": b"  a = 1 \n\tb=2\t\n\x0cc=3\x0c\n   \n\n d e=f\n",
    "comments": b"# a=1\n  ! b=2\nc=3 # no comment\n#d=\\\ne=4\n",
    "continued": b"a=1,\\\n   2,\\\r\n\t3\nb=x\\\\\nc=y\\\\\\\n  z\nd=\\\n# no comment\ne=1\\\n\nf=2\n",
    "ends_with_backslash": b"a=1\\",
    "backslash_alone": b"\\\n\n# comment\na=1\n\\\nb=2\n\\\n# c\n",
    "escapes": b"a\\=b=1\\=2\nc\\:d=\\t\\n\\r\\f|\ne\\ f=\\g\\\"\\'\\\\\n\\#h=1\n",
    "unicode": b"a=\\u00e9\\u20AC\nb=\\ud83d\\ude00\n\\u0063=d\n",
    "latin1": b"a=caf\xe9\n",
    "utf8": "a=café €\n".encode(),
    "line_ends": b"a=1\rb=2\r\nc=3\n\rd=\x85\x0b\x1c4\n",
    "twice": b"a=1\na=2\n",
    "quoted": b'a=x required username=\'k\' password="p;=\\\\"#";\n',
    "malformed": b"a=\\u12\n",
    "malformed_later": b"a=1\nb=\\uzzzz\n",
    "empty": b"",
}


def test_every_file_is_read_as_java_reads_it(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.properties" for name in FILES]
    for path, data in zip(paths, FILES.values(), strict=True):
        path.write_bytes(data)

    command = [jvm.java_program(resolve({})), "-XX:TieredStopAtLevel=1", Path(__file__).parent / "PrintProperties.java"]
    printed = subprocess.run([*command, *paths], capture_output=True, text=True, check=True, timeout=60).stdout

    assert printed.splitlines() == [line for path in paths for line in lines(path)]


def lines(path: Path) -> list[str]:
    """What the Java program prints, by our reader."""
    try:
        found = parse_properties(decode_properties(path.read_bytes()))
    except ValueError:
        return [f"{path}\tmalformed"]
    return [f"{path}\tx{key.encode().hex()}\tx{value.encode().hex()}" for key, value in sorted(found.items())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("security.protocol: PLAINTEXT", {"security.protocol": "PLAINTEXT"}),
        ("security.protocol PLAINTEXT", {"security.protocol": "PLAINTEXT"}),
        ("a=\\\n  b \\\n  c", {"a": "b c"}),
    ],
)
def test_what_people_write(text: str, expected: dict[str, str]) -> None:
    assert parse_properties(text) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"\xef\xbb\xbfa=1", "a=1"), ("a=é".encode(), "a=é"), ("a=é".encode("latin-1"), "a=é")],
    ids=["a byte order mark", "UTF-8", "Latin-1"],
)
def test_the_encoding_is_utf8_if_it_can_be(data: bytes, expected: str) -> None:
    assert decode_properties(data) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1\nb=\\u12", r"^line 2 has a \\u without four hexadecimal digits$"),
        ("a=\\ud83d", r"^line 1 has one half of a \\u pair without the other$"),
    ],
)
def test_a_bad_escape_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_properties(text)
