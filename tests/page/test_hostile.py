"""Records and addresses that are made to run as scripts: all of it stays text, and nothing else is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.browser import DESKTOP, PHONE, Viewer, expect
from tests.support.builders import store_batch
from tests.support.dashboard import Dashboard
from tests.support.stores import store_at

Look = Callable[..., Viewer]

WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"><svg onload=alert(3)>",
    "</td></table><iframe src=//evil.example></iframe>",
    "javascript:alert(4)",
    "{{constructor.constructor('alert(5)')()}}",
    "${alert(6)}",
    "__proto__",
    "constructor",
    "=HYPERLINK(\"http://evil.example\")",
    "\u202egnihtyna\u202c \u200b\u2028 \ufdfa",
    "data.rows[0]); alert(7)//",
    "x" * 1000,
    "W" * 40 + " " + "i" * 40,
]  # fmt: skip
OUTCOMES = [
    "<b onmouseover=alert(8)>Handled</b>",
    "toString",
    "&lt;Cited&gt;",
    "<style>*{display:none}</style>",
    "__proto__",
]
VALUE = (
    b'<script src="//evil.example/x.js"></script>\x00\x1b[31m\xff'
    + "\u202e".encode()
    + b"</code><img src=x onerror=alert(9)>"
)
ELEMENTS = (
    "document.querySelectorAll('script:not([src^=\"/assets/\"]), img, svg, iframe, b, style, main object').length"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """The page on a store of hostile records."""
    folder = tmp_path_factory.mktemp("hostile")
    counts = [(*WINDOW, kind, OUTCOMES[n % 5], 40 - n) for n, kind in enumerate(HOSTILE)]
    rejected = [
        {"topic": "<i>topic</i>", "partition": n, "offset": n, "reason": f"<script>alert({n})</script>", "value": value}
        for n, value in enumerate((VALUE, b"2018-10-12T14:10:00.000" + VALUE, b"x" * 3_000_000))
    ]
    with closing(store_at(folder)) as database:
        store_batch(database, counts, rejected)
    dashboard = Dashboard(f"sqlite:///{folder / 'answers.db'}")
    yield dashboard.start()
    dashboard.stop()


@pytest.fixture
def viewer(served: Dashboard, look: Look) -> Viewer:
    return look(served)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_a_record_holds_is_shown_as_text_and_nothing_else(served: Dashboard, look: Look, viewport: Any) -> None:
    viewer = look(served, viewport=viewport)
    page = viewer.open("?window=2018-10-12T14:00").page

    assert [row[0] for row in viewer.table("t-kinds")] == HOSTILE
    assert [row[:2] for row in viewer.table("t-window")] == [[k, OUTCOMES[n % 5]] for n, k in enumerate(HOSTILE)]
    assert page.locator("#legend li").all_text_contents() == sorted(OUTCOMES, key=OUTCOMES.index)
    reasons = [row[0] for row in viewer.table("t-rejected")]
    assert reasons == [f"<script>alert({n})</script>" for n in (2, 1, 0)]
    shown = viewer.table("t-rejected")[2][1]
    assert shown.startswith('<script src="//evil.example/x.js"></script>\\x00\\x1b[31m\\xff\\u202e</code><img')
    assert len(viewer.table("t-rejected")[0][1]) < 2_100
    assert len(viewer.table("window-rejected")) == 1
    for place, kind in enumerate(HOSTILE):
        page.locator("#t-kinds tbody button").nth(place).click()
        viewer.settle()
        assert viewer.text("#h-kind") == kind
    assert page.evaluate(ELEMENTS) == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_shown_where_the_mouse_is_stays_text(viewer: Viewer) -> None:
    page = viewer.open().page
    canvas = page.locator("#c-shares canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    tooltip = page.locator("#vg-tooltip-element.visible")

    for share in (0.12, 0.35, 0.6, 0.85):
        page.mouse.move(box["x"] + 175, box["y"] + share * (box["height"] - 40))
        expect(tooltip).to_be_visible()
        assert any(outcome in (tooltip.text_content() or "") for outcome in OUTCOMES), tooltip.text_content()
    assert page.evaluate(ELEMENTS) == 0


@pytest.mark.parametrize("hostile", [*HOSTILE[:6], "\x00", "%", "a&b=c#d", "é\U0001f693"])
def test_what_an_address_holds_stays_text(viewer: Viewer, hostile: str) -> None:
    query = urlencode(dict.fromkeys(("kind", "q", "window", "from", "to", "other"), hostile), quote_via=quote)
    page = viewer.open(f"?{query}#{quote(hostile)}").page

    assert viewer.text("#h-kind") == hostile
    expect(page.locator("#find")).to_have_value(hostile)
    expect(page.locator("#p-window")).to_be_hidden()  # as that is no time, nothing is chosen
    assert viewer.text("#made-of").startswith(f"{sum(40 - n for n in range(len(HOSTILE)))} calls of ")
    assert page.evaluate(ELEMENTS) == 0


@pytest.mark.parametrize(
    "time",
    ["2018-02-30T12:00", "0000-01-01T00:00", "2018-10-12T14:00Z", "2018-10-12", "20181012T1400", "2018-13-01T00:00"],
)
def test_a_time_that_is_none_is_not_chosen(viewer: Viewer, time: str) -> None:
    viewer.open(f"?window={time}&from={time}&to={time}")

    expect(viewer.page.locator("#p-window")).to_be_hidden()
    assert viewer.text("#made-of").startswith("4")
    assert "span" not in viewer.text("#made-of")


def test_a_kind_that_is_too_long_to_be_one_is_not_chosen(viewer: Viewer) -> None:
    viewer.open(f"?kind={'x' * 3_000}&q={'y' * 3_000}")

    expect(viewer.page.locator("#p-kind")).to_be_hidden()
    expect(viewer.page.locator("#find")).to_have_value("y" * 200)


def test_the_browser_refuses_to_evaluate_text(served: Dashboard, look: Look) -> None:
    viewer = look(served, allowed="script-src|Content Security Policy")
    page = viewer.open().page
    # In a task of the page's own: what a debugger evaluates may evaluate text.
    page.evaluate("""() => {
      setTimeout(() => {
        for (const [name, evaluate] of [["eval", () => eval("1")], ["function", () => new Function("return 1")()]]) {
          try { document.body.dataset[name] = evaluate(); } catch (error) { document.body.dataset[name] = error.name; }
        }
        const script = document.createElement("script");
        script.textContent = "document.body.dataset.inline = 'ran'";
        document.body.append(script);
        document.body.dataset.tried = "yes";
      }, 0);
    }""")
    page.locator("body[data-tried]").wait_for()

    data = page.evaluate("({ ...document.body.dataset })")
    assert (data["eval"], data["function"], data.get("inline")) == ("EvalError", "EvalError", None)


def test_no_other_origin_can_frame_the_page(served: Dashboard, look: Look) -> None:
    viewer = look(served, allowed="frame-ancestors|chrome-error|refused by the policy")
    viewer.open()
    other = viewer.context.new_page()

    other.evaluate(
        """(address) => new Promise((resolve) => {
          const frame = document.createElement("iframe");
          frame.onload = resolve;
          frame.src = address;
          document.body.append(frame);
        })""",
        viewer.dashboard.address,
    )

    assert [frame.url for frame in other.frames] == ["about:blank", "chrome-error://chromewebdata/"]
