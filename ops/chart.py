"""Draws the chart of a report of sales."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ops.sales import Sales

_CONCERTS_SHOWN = 8
"""The chart shows so many concerts, those that sold most; more would run out of colours."""

_FEWEST_DAYS = 8
"""The axis has at least so many days; with fewer it would show hours."""

_OTHERS = "other concerts"


def draw(sales: "Sequence[Sales]", file: Path) -> None:
    """Draw each day's sales, stacked by concert, and its refunds below, in one panel for each currency."""
    currencies = sorted({one.currency for one in sales})
    figure = Figure(figsize=(10, 4.5 * max(1, len(currencies))), layout="constrained")
    for number, currency in enumerate(currencies, start=1):
        _panel(figure.add_subplot(len(currencies), 1, number), currency, [s for s in sales if s.currency == currency])
    if not currencies:
        figure.suptitle("Nothing was sold.")
    figure.savefig(file, format="png", dpi=150)


def _panel(axes: "Axes", currency: str, sales: "Sequence[Sales]") -> None:
    gross: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    refunded: dict[date, Decimal] = defaultdict(Decimal)
    shown = _largest(sales)
    for one in sales:
        gross[one.concert if one.concert in shown else _OTHERS][one.day] += one.gross
        refunded[one.day] += one.refunded
    days = sorted({one.day for one in sales})
    heights = [Decimal(0)] * len(days)
    for concert in [*shown, *({_OTHERS} & gross.keys())]:
        of_concert = [gross[concert][day] for day in days]
        _bars(axes, days, of_concert, heights, concert)
        heights = [height + more for height, more in zip(heights, of_concert, strict=True)]
    if any(refunded.values()):
        _bars(axes, days, [-refunded[day] for day in days], [Decimal(0)] * len(days), "refunded", color="lightgrey")
    _label(axes, currency, days)


def _largest(sales: "Sequence[Sales]") -> list[str]:
    took: dict[str, Decimal] = defaultdict(Decimal)
    for one in sales:
        took[one.concert] += one.gross
    return sorted(took, key=lambda concert: (-took[concert], concert))[:_CONCERTS_SHOWN]


def _bars(
    axes: "Axes", days: Sequence[date], values: Sequence[Decimal], on: Sequence[Decimal], label: str, **style: str
) -> None:
    # A dollar sign would begin a formula.
    text = label.replace("$", r"\$")
    axes.bar(days, [float(v) for v in values], bottom=[float(v) for v in on], label=text, **style)  # type: ignore[arg-type]


def _label(axes: "Axes", currency: str, days: Sequence[date]) -> None:
    margin = timedelta(days=max(1, (_FEWEST_DAYS - len(days)) // 2))
    axes.set_xlim(days[0] - margin, days[-1] + margin)  # type: ignore[arg-type] # it takes dates, its types do not
    locator = AutoDateLocator()  # type: ignore[no-untyped-call] # matplotlib types some of itself only
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # the same
    axes.set_title(f"Sales by day (UTC), in {currency}")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
