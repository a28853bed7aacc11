"""Declares the routes by which somebody unsubscribes from reminders: a mail program in one click, or a person."""

from typing import Protocol

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.http.answers import HtmlPage
from chalicelib.platform.http.languages import preferred_language
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.ids import IdKey
from chalicelib.platform.services import Services
from chalicelib.shop.mails import commands
from chalicelib.shop.mails.pages import asking, done
from chalicelib.shop.mails.unsubscribing import ensure_one_click, read_token


class UnsubscribingServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def ids(self) -> IdKey: ...


routes: Routes[UnsubscribingServices] = Routes(__name__)


@routes.get("/unsubscribe/{token}", refuses=("not_found",))
def ask_to_unsubscribe(call: Call[UnsubscribingServices]) -> HtmlPage:
    """Show a page that asks whether somebody wants no more reminders; following a link alone changes nothing."""
    read_token(call.parameter("token"), call.shop.ids)
    return HtmlPage.without_scripts(asking(_language(call)))


@routes.post("/unsubscribe/{token}", refuses=("not_found",), forms=True)
def unsubscribe(call: Call[UnsubscribingServices], body: bytes) -> HtmlPage:
    """Send somebody no more reminders, for whoever has the link of one; a single request as in RFC 8058."""
    ensure_one_click(body, call.headers.get("content-type", ""))
    recipient_id = read_token(call.parameter("token"), call.shop.ids)
    origin = Origin(str(recipient_id), call.correlation_id, f"unsubscribe {recipient_id}")
    commands.unsubscribe(call.shop.repository, origin, recipient_id)
    return HtmlPage.without_scripts(done(_language(call)))


def _language(call: Call[UnsubscribingServices]) -> str | None:
    return preferred_language(call.headers.get("accept-language", ""))
