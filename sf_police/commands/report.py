"""The command `report`: writes what the dashboard shows into files that need neither a server nor a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sf_police import __version__
from sf_police.commands.run import Run, missing_extra, say
from sf_police.errors import SfPoliceError, folder_reason

if TYPE_CHECKING:
    from sf_police.page.report import Report
    from sf_police.store.answers import StoreReader

# Its presence says that a folder's files are ours to replace.
_MARK: Final = ".sf-police-report"


def report(run: Run, *, to: str | None) -> int:
    """Write the report as HTML, Markdown, PNG and SVG; print where it is."""
    try:
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise missing_extra("report", error) from error
    from sf_police.page.assets import ready_assets
    from sf_police.page.report import FILM_PAGE
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import existing_database

    config, question = run.config, run.question
    folder = report_folder(run, to)
    assets = ready_assets(config.jars_dir, question, say=say)
    with closing(existing_database(config.store, question, config.store_schema)) as database:
        made = replace(_made(StoreReader(database)), has_film=(folder / FILM_PAGE).is_file())
    with written_report(folder):
        _write(folder, made, specs=json.loads(assets.read("specs.json")), vega=assets.read("vega.js").decode())
    print(folder / "report.html")
    return 0


def report_folder(run: Run, to: str | None) -> Path:
    """Return the folder that a report goes to: `to`, or one in STATE_DIR. Raises SfPoliceError if it is not ours."""
    folder = Path(to) if to else run.config.state_dir / run.question.defaults.folder / "report"
    is_ours = (folder / _MARK).is_file()
    if folder.exists() and not is_ours and not (folder.is_dir() and not any(folder.iterdir())):
        raise SfPoliceError(
            f"{folder} holds something else, and is left as it is", remedy="name another folder with --to"
        )
    return folder


@contextmanager
def written_report(folder: Path) -> Iterator[None]:
    """Mark the folder as ours, and let files be written to it in this context.

    Raises:
        SfPoliceError: they cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
        yield
    except OSError as error:
        raise SfPoliceError(f"cannot write to {folder}: {folder_reason(error)}") from error


def _made(reader: StoreReader) -> Report:
    from sf_police.page.over_time import Choice
    from sf_police.page.panels import panels_of
    from sf_police.page.report import PANELS, Report
    from sf_police.page.summary import Summary
    from sf_police.store.spans import SpanReader

    settings: dict[str, Any] = (reader.stream() or ("", {}))[1]
    summary = Summary(SpanReader(reader))
    while not summary.is_whole:
        summary.read_older()
    panels = panels_of(reader, summary, settings)
    first, last = summary.span
    if panels is None or first is None or last is None:
        raise SfPoliceError(f"{reader.database.where} holds no window yet", remedy="run `make run-stream`")
    choice = Choice(first, last + panels.length)
    batches = reader.last_batches(1)
    shown = {
        **{name: value for name, value in sorted(settings.items()) if isinstance(value, (str, int, float))},
        "micro-batches": batches[0].batch_id + 1 if batches else 0,
        "last commit": f"{batches[0].committed_at:%Y-%m-%d %H:%M:%S} UTC"
        if batches and batches[0].committed_at
        else "",
        "stored by": f"sf-police {batches[0].version}" if batches else "",
        "reported by": f"sf-police {__version__}",
    }
    now = f"{datetime.now().astimezone():%Y-%m-%d %H:%M %z}"
    return Report(reader.database.question, {name: panels.rows(name, choice) for name in PANELS}, shown, now)


def _write(folder: Path, made: Report, *, specs: dict[str, Any], vega: str) -> None:
    from sf_police.page.rendered import rendered
    from sf_police.page.report import CHARTS, html_of, markdown_of

    pictures = {}
    for name, panel in CHARTS.items():
        svg, png = rendered(specs[name], made.panels[panel])
        (folder / f"{name}.svg").write_text(svg, "utf-8")
        (folder / f"{name}.png").write_bytes(png)
        pictures[name] = f"{name}.svg"
    (folder / "report.md").write_text(markdown_of(made, pictures), "utf-8")
    (folder / "report.html").write_text(html_of(made, specs=specs, vega=vega), "utf-8")
