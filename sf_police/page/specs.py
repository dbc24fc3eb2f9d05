"""The charts as Vega-Lite specs, made with Altair at install: the page and the report draw the same ones.

Each reads the rows of its panel (`panels.py`) from the named data set `rows`. Times are wall clock, and are read and
shown as UTC, so that they are the same in every browser.
"""

from __future__ import annotations

from typing import Any, Final

import altair as alt

from sf_police.page.colors import NO_VOTE, NO_VOTE_PLACE, OTHERS, OTHERS_PLACE, PALETTE

_MARKED: Final = "#D55E00"
_TALL: Final = 230
_SMALL: Final = 90
_WEEKDAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Chart = Any  # Altair's own types know no layers of layers
# Of the numbers beside an axis, so that charts of the same times are aligned.
_EXTENT: Final = 32
_PARSED: Final = "utcParse(datum.{0}, '%Y-%m-%d %H:%M:%S')"
_LABEL: Final = (
    "utcFormat(datum.t, '%a %Y-%m-%d %H:%M') + ' to ' + (utcFormat(datum.t, '%j') === utcFormat(datum.t2 - 1, '%j') ? "
    "utcFormat(datum.t2, '%H:%M') : utcFormat(datum.t2, '%a %Y-%m-%d %H:%M'))"
)
_SHORT: Final = "datum.value < 1 ? format(datum.value, '~g') : format(datum.value, '~s')"
_NO_NAN: Final = "datum.label === 'NaN' ? '' : datum.label"
_NOTES: Final = (
    "({few: 'unusually few', many: 'unusually many', repeated: 'this hour happened twice'})[datum.mark] || ''"
)


def specs(rows: str, kinds: str) -> dict[str, dict[str, Any]]:
    """Return each chart's spec by name, given what people call the records and their kinds."""
    charts = {
        "overview": _overview(kinds),
        "windows": _windows(rows, kinds),
        "volume": _volume(rows, kinds),
        "outcomes": _outcomes(rows),
        "shares": _shares(rows),
        "hours": _hours(rows),
        "kind": _kind(rows),
        "series": _series(),
    }
    return {name: _finished(chart) for name, chart in charts.items()}


def _finished(chart: Chart) -> dict[str, Any]:
    # Labels are cut where the axis had no data at first, unless the chart may grow into its padding.
    autosize = alt.AutoSizeParams(type="fit-x", contains="padding", resize=True)
    whole = chart.properties(data=alt.NamedData("rows"), width="container", autosize=autosize)
    spec: dict[str, Any] = whole.to_dict(validate=True)
    spec.pop("config", None)  # each theme has its own
    return spec


def _timed() -> Chart:
    parsed = {"t": _PARSED.format("start"), "t2": _PARSED.format("end")}
    return alt.Chart().transform_calculate(**parsed).transform_calculate(label=_LABEL).encode(_time())


def _time() -> alt.X:
    axis = alt.Axis(title=None, labelOverlap="greedy", tickCount=8, grid=False)
    return alt.X("t:T", scale=alt.Scale(type="utc"), axis=axis)


def _number(field: str, title: str, **more: Any) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, axis=alt.Axis(tickCount=5, format="~s", minExtent=_EXTENT), **more)


def _tips(rows: str, kinds: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="time"),
        alt.Tooltip("kinds:Q", title=kinds, format=",.4~r"),
        alt.Tooltip("rows:Q", title=rows, format=","),
        alt.Tooltip("windows:Q", format=","),
        alt.Tooltip("note:N"),
    ]


def _overview(kinds: str) -> Chart:
    # Without zoom, the wheel over it scrolls the page.
    span = alt.selection_interval(name="span", encodings=["x"], zoom=False)
    area = _timed().mark_area(interpolate="monotone", opacity=0.55, line={"strokeWidth": 1})
    return area.encode(_number("kinds", kinds)).properties(height=_SMALL).add_params(span)


def _windows(rows: str, kinds: str) -> Chart:
    base = _timed().transform_calculate(note=_NOTES)
    title = f"{kinds} per window"
    band = base.mark_area(interpolate="step-after", opacity=0.25).encode(_number("least", title), alt.Y2("most:Q"))
    line = base.mark_line(interpolate="step-after", strokeWidth=1.5).encode(_number("kinds", title))
    hover = alt.selection_point(name="hover", on="pointermove", nearest=True, fields=["start"], empty=False)
    points = base.mark_point(size=60, filled=True).encode(
        _number("kinds", title), opacity=alt.condition(hover, alt.value(1), alt.value(0)), tooltip=_tips(rows, kinds)
    )
    shapes = alt.Scale(domain=["few", "many", "repeated"], range=["triangle-down", "triangle-up", "diamond"])
    marks = base.transform_filter("datum.mark").mark_point(size=90, strokeWidth=2, color=_MARKED)
    marks = marks.encode(_number("kinds", title), alt.Shape("mark:N", scale=shapes, legend=None))
    chosen = base.transform_filter("datum.is_chosen").mark_rule(strokeWidth=1.5)
    return alt.layer(band, line, marks, chosen, points.add_params(hover)).properties(height=_TALL)


def _volume(rows: str, kinds: str) -> Chart:
    counted = _timed().transform_calculate(note=_NOTES, mean="datum.rows / datum.windows")
    return counted.mark_rect().encode(
        alt.X2("t2:T"), _number("mean", f"{rows} per window", scale=alt.Scale(zero=True)), alt.Y2(datum=0),
        color=alt.condition("datum.mark !== ''", alt.value(_MARKED), alt.value(PALETTE[4])),
        tooltip=_tips(rows, kinds),
    ).properties(height=_SMALL + 30)  # fmt: skip


def _outcome_color() -> alt.Color:
    domain = [*range(len(PALETTE)), OTHERS_PLACE, NO_VOTE_PLACE]
    return alt.Color("place:O", scale=alt.Scale(domain=domain, range=[*PALETTE, OTHERS, NO_VOTE]), legend=None)


def _outcomes(rows: str) -> Chart:
    return _timed().mark_area(interpolate="step-after").encode(
        alt.Y("rows:Q", stack="normalize", title=f"share of {rows}", axis=alt.Axis(format="%", tickCount=5)),
        color=_outcome_color(), order=alt.Order("place:Q", sort="descending"),
        tooltip=[
            alt.Tooltip("outcome:N"), alt.Tooltip("label:N", title="time"), alt.Tooltip("share:Q", format=".0%"),
            alt.Tooltip("rows:Q", title=rows, format=","),
        ],
    ).properties(height=_TALL)  # fmt: skip


def _shares(rows: str) -> Chart:
    frequent = alt.Chart().transform_window(rank="row_number()", sort=[alt.SortField("rows", order="descending")])
    # As a key, an outcome with the name of one of JavaScript's own properties, such as `toString`, would break Vega.
    frequent = frequent.transform_filter("datum.rank <= 11").transform_calculate(key="'=' + datum.outcome")
    return frequent.mark_bar().encode(
        alt.X("share:Q", stack=None, title=f"share of {rows}", axis=alt.Axis(format="%", tickCount=4)),
        alt.Y(
            "key:N", sort=alt.EncodingSortField("rank"), title=None,
            axis=alt.Axis(labelLimit=150, labelExpr="slice(datum.label, 1)"),
        ),
        color=_outcome_color(),
        tooltip=[
            alt.Tooltip("outcome:N"), alt.Tooltip("share:Q", format=".1%"),
            alt.Tooltip("rows:Q", title=rows, format=","),
        ],
    ).properties(height=_TALL)  # fmt: skip


def _hours(rows: str) -> Chart:
    return alt.Chart().mark_rect().encode(
        alt.X("hour:O", title="hour", axis=alt.Axis(labelAngle=0, labelOverlap=True, labelSeparation=4)),
        alt.Y("weekday:O", sort=_WEEKDAYS, title=None),
        color=alt.Color(
            "mean:Q", title=f"{rows} per window", scale=alt.Scale(scheme="viridis"),
            # Without rows there is no number to show.
            legend=alt.Legend(orient="bottom", gradientLength=160, labelExpr=_NO_NAN),
        ),
        tooltip=[
            alt.Tooltip("weekday:N"), alt.Tooltip("hour:O"), alt.Tooltip("windows:Q", format=","),
            alt.Tooltip("mean:Q", title=f"{rows} per window", format=",.3~r"),
            alt.Tooltip("rows:Q", title=rows, format=","),
        ],
    ).properties(height=190)  # fmt: skip


def _kind(rows: str) -> Chart:
    return _timed().mark_rect().encode(
        alt.X2("t2:T"), _number("rows", rows, scale=alt.Scale(zero=True)), alt.Y2(datum=0),
        tooltip=[alt.Tooltip("label:N", title="time"), alt.Tooltip("rows:Q", title=rows, format=",")],
    ).properties(height=_SMALL + 30)  # fmt: skip


def _series() -> Chart:
    axis = alt.Axis(tickCount=4, format=",d", grid=False)
    base = alt.Chart().encode(
        alt.X("batch:Q", title="micro-batch", axis=axis, scale=alt.Scale(zero=False, nice=False)),
        alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3, labelExpr=_SHORT), scale=alt.Scale(zero=True)),
    )
    tips = [alt.Tooltip("batch:Q", title="micro-batch", format=",d"), alt.Tooltip("value:Q", format=",.4~r")]
    line = base.mark_line(interpolate="step-after")
    return alt.layer(line, base.mark_point(size=14, filled=True).encode(tooltip=tips)).properties(height=_SMALL)
