"""Draws sales as SVG: bars, and below them the same numbers as a table, which screen readers read as one."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, TOP, PLOT_HEIGHT = 720, 56, 48, 220
ROW = 18
_COLOURS = ("#1d4e89", "#d1761b")
_LABELS = 12
_MOST_BARS = 400
_TITLE = 84
_LABEL_WIDTH = 60
_WIDEST = 60
"""The room of one bar at most: a single day is no wall."""

Bar = tuple[str, tuple[int, ...]]
"""What a bar is about, and the value of each series."""


def days_chart(title: str, days: Sequence[Mapping[str, Any]]) -> str:
    """Return the tickets that were sold on each day, from the first day to the last."""
    sold: dict[date, int] = {}
    for day in days:
        at = date.fromisoformat(day["date"])
        sold[at] = sold.get(at, 0) + day["tickets"]
    bars = [(day.isoformat(), (sold.get(day, 0),)) for day in _every_day(sold)]
    return _chart(f"{title}: tickets sold by day", "Day", ("Tickets",), bars)


def opening_chart(title: str, minutes: Sequence[Mapping[str, Any]]) -> str:
    """Return the tickets that were ordered in each minute, and those of them that were paid."""
    bars = [(str(one["minute"]), (one["ordered"], one["paid"])) for one in minutes]
    return _chart(f"{title}: the first minutes of the sale", "Minute", ("Ordered", "Paid"), bars)


def _every_day(sold: dict[date, int]) -> list[date]:
    """Return all days from the first to the last; without the empty ones, if that would be too many bars."""
    if not sold:
        return []
    count = (max(sold) - min(sold)).days + 1
    return sorted(sold) if count > _MOST_BARS else [min(sold) + timedelta(days=number) for number in range(count)]


def _chart(title: str, axis: str, series: Sequence[str], bars: Sequence[Bar]) -> str:
    height = TOP + PLOT_HEIGHT + 44 + ROW * (len(bars) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" fill="#222" role="group" aria-labelledby="title desc">',
        f'<title id="title">{_text(title)}</title>',
        f'<desc id="desc">{_text(_described(axis, series, bars))}</desc>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="15">{_text(_cut(title))}</text>',
        '<g aria-hidden="true">',
        *_legend(series),
        *_plot(bars),
        "</g>",
        *_table(axis, series, bars),
        "</svg>",
    ]
    return "\n".join(parts)


def _cut(title: str) -> str:
    """Return as much of a title as has room; the title for screen readers is whole."""
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"


def _described(axis: str, series: Sequence[str], bars: Sequence[Bar]) -> str:
    if not bars:
        return "Nothing was sold yet."
    sums = [f"{name}: {sum(values[place] for _, values in bars)}" for place, name in enumerate(series)]
    label, most = max(bars, key=lambda bar: bar[1][0])
    return f"{', '.join(sums)} in all. The most, {most[0]}, at {axis.lower()} {label}. A table has all numbers."


def _legend(series: Sequence[str]) -> list[str]:
    return [
        f'<rect x="{LEFT + 110 * place}" y="30" width="10" height="10" fill="{_COLOURS[place]}"/>'
        f'<text x="{LEFT + 14 + 110 * place}" y="39">{_text(name)}</text>'
        for place, name in enumerate(series)
    ]


def _plot(bars: Sequence[Bar]) -> list[str]:
    most = max((value for _, values in bars for value in values if value > 0), default=0)
    step = _step(most)
    top = max(step, -(-most // step) * step)
    bottom, width = TOP + PLOT_HEIGHT, min(_WIDEST, (WIDTH - LEFT - 16) / max(1, len(bars)))
    drawn = []
    for value in range(0, top + 1, step):
        y = bottom - PLOT_HEIGHT * value / top
        drawn.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 16}" stroke="#ddd"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    every = -(-len(bars) // _LABELS) if bars else 1
    for place, (label, values) in enumerate(bars):
        x = LEFT + place * width
        own = width * 0.86 / len(values)
        for number, value in enumerate(values):
            tall = PLOT_HEIGHT * max(0, value) / top  # more tickets may have been moved away than were sold
            drawn.append(
                f'<rect x="{x + number * own:.1f}" y="{bottom - tall:.1f}" width="{own:.1f}" height="{tall:.1f}" '
                f'fill="{_COLOURS[number]}"/>'
            )
        if place % every == 0 and x + _LABEL_WIDTH <= WIDTH:
            drawn.append(f'<text x="{x:.1f}" y="{bottom + 16}" font-size="10">{_text(label)}</text>')
    return drawn


def _step(most: int) -> int:
    """Return the distance of the lines: 1, 2 or 5 times a power of ten, so that there are five at most."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * 5 >= most:
                return factor * power
        power *= 10


def _table(axis: str, series: Sequence[str], bars: Sequence[Bar]) -> list[str]:
    y = TOP + PLOT_HEIGHT + 44
    rows = [_row(y, (axis, *series), "columnheader")]
    for number, (label, values) in enumerate(bars, start=1):
        rows.append(_row(y + ROW * number, (label, *map(str, values)), "cell"))
    return ['<g role="table" aria-label="The numbers">', *rows, "</g>"]


def _row(y: int, cells: Sequence[str], role: str) -> str:
    weight = ' font-weight="bold"' if role == "columnheader" else ""
    texts = [
        f'<text role="{role}" x="{LEFT + 110 * place}" y="{y}"{weight}>{_text(cell)}</text>'
        for place, cell in enumerate(cells)
    ]
    return f'<g role="row">{"".join(texts)}</g>'


def _text(text: str) -> str:
    """Escape a text; characters that XML has no place for become the replacement character."""
    return escape("".join(letter if _is_xml(letter) else "�" for letter in text), {'"': "&quot;"})


def _is_xml(letter: str) -> bool:
    return letter in "\t\n\r" or (letter >= " " and not "\ud800" <= letter <= "\udfff" and letter not in "\ufffe\uffff")
