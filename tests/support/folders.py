"""A checkpoint's folder in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from sf_police.errors import SfPoliceError

PLACE = "hdfs://namenode/check point"


@dataclass
class DictFolder:
    """A `Folder` in memory: text by name, sub-folders by the slashes in them."""

    files: dict[str, str] = field(default_factory=dict)

    def names(self, folder: str) -> list[str]:
        start = f"{folder}/" if folder else ""
        inside = [name.removeprefix(start) for name in self.files if name.startswith(start)]
        return sorted({name.partition("/")[0] for name in inside})

    def read(self, name: str) -> str | None:
        return self.files.get(name)

    def write(self, name: str, text: str) -> None:
        self.files[name] = text

    def create(self, name: str, text: str) -> None:
        if name in self.files:
            raise SfPoliceError(f"cannot write {name}: another file is in its place")
        self.files[name] = text

    def delete(self, name: str) -> None:
        self.files = {file: text for file, text in self.files.items() if file.partition("/")[0] != name}

    def remove(self) -> None:
        assert not self.files

    def at(self, name: str) -> str:
        return f"{PLACE}/{name}"
