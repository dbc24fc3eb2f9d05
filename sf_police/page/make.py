"""Makes what the page needs to draw charts: `python -m sf_police.page.make FOLDER ROWS KINDS`, at install.

The browser's part of Vega comes out of vl-convert, which brings a JavaScript engine, and the specs out of Altair. The
server needs neither: it reads the files. In a process of its own, as that engine keeps its memory.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final

REMEDY: Final = "install the extra `dashboard`, and check that the folder of JARS_DIR takes files"
# Before it, a crafted spec could run scripts in the page.
_OLDEST_VEGA: Final = (6, 2, 0)


def main(folder: Path, *, rows: str, kinds: str) -> None:
    """Write `vega.js` and `specs.json` into the folder, each whole or not at all."""
    import vl_convert

    from sf_police.page.specs import specs

    version = vl_convert.get_vega_version()
    if tuple(map(int, version.split("."))) < _OLDEST_VEGA:
        raise SystemExit(f"vl-convert-python brings Vega {version}, which is too old")
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "vega.js": vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"),
        "specs.json": json.dumps(specs(rows, kinds)),
    }
    for name, text in content.items():
        part = folder / f"{name}.part.{os.getpid()}"
        part.write_text(text, "utf-8")
        part.rename(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), rows=sys.argv[2], kinds=sys.argv[3])
