"""Re-makes every picture that the docs show, `make pictures`: from a real run, on a broker of its own.

DATA names the file of calls; by default, generated ones are sent. Records are only ever shown of generated calls, as
the original's may not be redistributed. Terminal output is drawn as SVG by rich, from the
screen of a terminal; pages are what Chromium shows. The study's picture is drawn again from its results.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from fcntl import ioctl
from itertools import groupby
from pathlib import Path
from typing import Any

import pyte
import rich._export_format
from kafka.admin import KafkaAdminClient
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.style import Style
from rich.text import Text

from benchmarks import common
from benchmarks.targets import environment, sf_police
from sf_police.calls import QUESTION
from sf_police.environment import given_settings
from sf_police.errors import SfPoliceError
from sf_police.produce.generated_file import write_records
from sf_police.store.answers import StoreReader
from sf_police.store.database import existing_database
from tests.support.brokers import free_ports
from tests.support.environment import variables

PICTURES = common.ROOT / "docs" / "pictures"
TOPIC = QUESTION.defaults.kafka_topic
# Small enough that a run lasts while it is pictured.
OFFSETS = 4_000
_WAIT_S = 180
_DESKTOP = {"width": 1600, "height": 1000}
_PHONE = {"width": 390, "height": 844}
# The micro-batch, from 1, of whose records in the film's second way the most were dropped.
_MOST_LATE_BY_KEY = """() => {
  const late = FILM.ways["by-key"].map((frame) => frame.records.filter(([, aheadS]) => aheadS <= 0).length);
  return 1 + late.indexOf(Math.max(...late));
}"""


class Terminal:
    """A process in a terminal of its own, and what is on its screen."""

    def __init__(self, command: Sequence[str], env: dict[str, str], *, columns: int = 110, rows: int = 32) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        own = {**env, "TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}
        own = {name: value for name, value in own.items() if value or name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=common.ROOT, env=own, start_new_session=True
        )
        os.close(theirs)
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()

    def _read(self, ours: int) -> None:
        with open(ours, "rb", buffering=0) as file:
            while True:
                try:
                    data = file.read(65536)
                except OSError:  # the process has ended
                    return
                if not data:
                    return
                with self._lock:
                    self._stream.feed(data)

    def lines(self) -> list[Text]:
        """Return what is on the screen, with its colours, without blank lines at the end."""
        with self._lock:
            rows = [self._line(row) for row in range(self.screen.lines)]
        while rows and not rows[-1].plain.strip():
            rows.pop()
        return rows

    def _line(self, row: int) -> Text:
        cells = (self.screen.buffer[row][column] for column in range(self.screen.columns))
        line = Text()
        for style, run in groupby(cells, key=lambda cell: (cell.fg, cell.bold, cell.italics)):
            color, is_bold, is_italic = style
            text = "".join(cell.data for cell in run)
            line.append(text, Style(color=_color(color), bold=is_bold, italic=is_italic))
        line.rstrip()
        return line

    def end(self) -> None:
        """Wait for the end of the process, and of what it has printed."""
        self.process.wait(timeout=_WAIT_S)
        self._reader.join(timeout=10)


def _color(name: str) -> str | None:
    if name == "default":
        return None
    return f"#{name}" if re.fullmatch(r"[0-9a-f]{6}", name) else name.replace("brown", "yellow")


def save_terminal(name: str, lines: Sequence[Text], *, title: str, columns: int) -> None:
    """Draw lines of a terminal as SVG; fonts are those of the reader's machine, and nothing is loaded."""
    console = Console(record=True, width=columns, file=open(os.devnull, "w"), force_terminal=True)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", highlight=False)
    form = re.sub(r"@font-face \{\{.*?\}\}|<!--.*?-->", "", rich._export_format.CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title=title, code_format=form.replace("Fira Code,", "ui-monospace, Menlo, Consolas,"))
    (PICTURES / name).write_text(svg, "utf-8")


def wait_for(what: str, holds: Callable[[], Any]) -> Any:
    """Return what `holds` returns once it is true. Raises SystemExit when it takes too long."""
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"waited {_WAIT_S} s for {what}")


def picture_of_command(name: str, arguments: Sequence[str], env: dict[str, str], *, columns: int, rows: int) -> None:
    """Draw what a command prints."""
    terminal = Terminal(sf_police(*arguments), env, columns=columns, rows=rows)
    terminal.end()
    title = "$ sf-police " + " ".join(f"'{each}'" if " " in each else each for each in arguments)
    save_terminal(name, terminal.lines(), title=title, columns=columns)


def picture_of_page(browser: Browser, url: str, name: str, *, ready: str, full: bool = False, **context: Any) -> None:
    """Save what Chromium shows at an address, once `ready` is there."""
    with closing(browser.new_context(**context)) as opened:
        page = opened.new_page()
        page.goto(url)
        page.wait_for_selector(ready, timeout=_WAIT_S * 1000)
        page.screenshot(path=PICTURES / name, full_page=full, animations="disabled")


def fill_topic(env: dict[str, str], file: Path) -> None:
    """Create the topic and send a file of calls to it."""
    for arguments in (("create-topic",), ("produce", str(file))):
        subprocess.run(sf_police(*arguments), env=env, cwd=common.ROOT, check=True, stderr=subprocess.DEVNULL)


def picture_of_film(browser: Browser, env: dict[str, str], file: Path, folder: Path) -> None:
    """Save the film of a file of generated calls, and its page at the micro-batch that shows most of the drift."""
    subprocess.run(sf_police("film", str(file), "--to", str(folder)), env=env, cwd=common.ROOT, check=True)
    shutil.copy(folder / "film.svg", PICTURES / "film.svg")
    with closing(browser.new_context(viewport=_DESKTOP)) as opened:
        page = opened.new_page()
        page.goto((folder / "film.html").as_uri())
        slider = page.get_by_role("slider")
        slider.fill(str(page.evaluate(_MOST_LATE_BY_KEY)))
        slider.blur()
        page.screenshot(path=PICTURES / "film-page.png", full_page=True, animations="disabled")


def delete_topic(servers: str) -> None:
    """Delete the topic, and wait until it is gone."""
    client = KafkaAdminClient(bootstrap_servers=servers)
    with closing(client):
        client.delete_topics([TOPIC])
        wait_for("the topic's end", lambda: TOPIC not in client.list_topics())


def batches(env: dict[str, str]) -> int:
    """Return how many micro-batches the store holds."""
    try:
        with closing(existing_database(f"sqlite:///{env['SF_POLICE_STATE_DIR']}/answers.db", QUESTION)) as database:
            last = StoreReader(database).last_batches(1)
    except SfPoliceError:
        return 0
    return last[0].batch_id + 1 if last else 0


def is_answering(url: str) -> bool:
    """Return whether something answers at the address."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # on loopback
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def dashboard(env: dict[str, str], port: int) -> Iterator[str]:
    """Run the dashboard; yield its address."""
    command = sf_police("dashboard", "--dashboard-port", str(port))
    process = subprocess.Popen(command, env=env, cwd=common.ROOT, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        wait_for("the dashboard", lambda: is_answering(f"{url}data/state.json"))
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def pictures_of_run(browser: Browser, env: dict[str, str]) -> None:
    """Save pictures while the stream runs: its table, Spark's pages, the dashboard."""
    ui_port, page_port = free_ports(), free_ports()
    stream_env = {**env, **variables(SPARK_UI_PORT=str(ui_port), MAX_OFFSETS_PER_TRIGGER=str(OFFSETS), UNTIL_END="1")}
    with dashboard(env, page_port) as url:
        stream = Terminal(sf_police("stream"), stream_env, columns=120, rows=26)
        try:
            wait_for("some micro-batches", lambda: batches(env) >= 8)
            save_terminal("stream.svg", stream.lines(), title="$ make run-stream", columns=120)
            picture_of_page(browser, url, "dashboard-live.png", ready="body[data-all]", viewport=_DESKTOP)
            ui = f"http://localhost:{ui_port}"
            picture_of_page(browser, f"{ui}/StreamingQuery/", "spark-queries.png", ready="table", viewport=_DESKTOP)
            link = _link(browser, f"{ui}/StreamingQuery/", "a[href*='statistics']")
            ready = "svg .line, svg path"
            picture_of_page(browser, link, "spark-query.png", ready=ready, full=True, viewport=_DESKTOP)
            stream.end()
        finally:
            if stream.process.poll() is None:
                stream.process.terminate()
                stream.process.wait(timeout=60)
        ready = "body[data-all]"
        chosen = "?from=2018-12-13T00:00&to=2018-12-16T00:00&window=2018-12-14T12:00"
        for theme in ("light", "dark"):
            picture_of_page(browser, url, f"dashboard-{theme}.png", ready=ready, viewport=_DESKTOP, color_scheme=theme)
        picture_of_page(browser, url + chosen, "dashboard-window.png", ready=ready, viewport=_DESKTOP)
        picture_of_page(
            browser, url + chosen, "dashboard-phone.png", ready=ready, viewport=_PHONE, device_scale_factor=2,
            is_mobile=True, has_touch=True,
        )  # fmt: skip


def _link(browser: Browser, url: str, selector: str) -> str:
    with closing(browser.new_context()) as opened:
        page = opened.new_page()
        page.goto(url)
        return str(page.eval_on_selector(selector, "link => link.href"))


def main() -> None:
    """Make all pictures."""
    chromium = common.chromium()
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        common.broker(Path(name) / "broker") as servers,
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])) as browser,
        common.progress_bar("pictures", 5) as advance,
    ):
        env = environment(servers, TOPIC, Path(name) / "state")
        generated = Path(name) / "calls.json"
        write_records(generated, QUESTION.generate(QUESTION.generated, QUESTION.seed))
        advance("the film")
        picture_of_film(browser, env, generated, Path(name) / "film")
        advance("the topic")
        fill_topic(env, generated)
        picture_of_command("topic.svg", ["inspect"], env, columns=120, rows=40)
        named = given_settings(os.environ, ["data"]).settings.get("data")
        if named:
            delete_topic(servers)
            fill_topic(env, Path(named))
        advance("the stream, Spark's pages, the dashboard")
        pictures_of_run(browser, env)
        advance("the answer")
        picture_of_command("answer.svg", ["answer", "--limit", "5"], env, columns=100, rows=44)
        advance("the study")
        subprocess.run([sys.executable, "-m", "benchmarks.plot"], cwd=common.ROOT, check=True)


if __name__ == "__main__":
    main()
