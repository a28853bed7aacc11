"""The picture of a code, read back by a decoder that is not ours."""

import pytest
import zxingcpp

from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.doors.code import TicketFacts
from chalicelib.shop.orders.doors.picture import qr_of, svg_of
from tests.support.pictures import SCALE, rendered
from tests.support.shop import Shop, some_id


@pytest.fixture
def code() -> str:
    facts = TicketFacts(some_id("concert"), some_id("order"), some_id("ticket"), some_id("type"))
    return Shop(MemoryEventStore()).code_book.write(facts)


def test_a_code_is_a_qr_code_of_version_8_at_level_m(code: str) -> None:
    assert (qr_of(code).designator, qr_of(code).mode) == ("8-M", "alphanumeric")


def test_a_decoder_that_is_not_ours_reads_the_code_from_the_picture(code: str) -> None:
    [found] = zxingcpp.read_barcodes(rendered(svg_of(code)))
    assert (found.format, found.text) == (zxingcpp.BarcodeFormat.QRCode, code)


def test_it_is_read_though_a_corner_of_it_is_torn_off(code: str) -> None:
    pixels = rendered(svg_of(code))
    pixels[-10 * SCALE :, -10 * SCALE :] = 255
    [found] = zxingcpp.read_barcodes(pixels)
    assert found.text == code
