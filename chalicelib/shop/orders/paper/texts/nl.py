"""The words in Dutch."""

from collections.abc import Mapping

DAYS = ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag")
MONTHS = (
    *("januari", "februari", "maart", "april", "mei", "juni"),
    *("juli", "augustus", "september", "oktober", "november", "december"),
)

TEXTS: Mapping[str, str] = {
    "title_one": "Ticket: {concert}",
    "title_many": "Tickets: {concert}",
    "ticket": "Ticket",
    "number": "{number} van {total}",
    "from": "vanaf {time}",
    "from_until": "{time} tot {end}",
    "zone": "plaatselijke tijd, {zone}",
    "no_date": "Uitgesteld: de nieuwe datum volgt",
    "type": "Soort ticket",
    "holder": "Naam",
    "price": "Prijs",
    "free": "gratis",
    "order": "Bestelling",
    "ticket_id": "Ticketnummer",
    "qr": "QR-code die de deur opent naar {concert}; laat hem scannen bij de ingang.",
    "scan": "Laat deze code scannen bij de ingang",
    "once": "Dit ticket geeft één persoon één keer toegang. Wie de code het eerst toont, mag naar binnen: toon hem aan "
    "niemand anders.",
    "reissue": "Is het ticket kwijt of gekopieerd, dan geeft de winkel het een nieuwe code, en laat deze niemand meer "
    "binnen.",
    "paper": "Druk het op ware grootte af op wit papier, of toon het op een helder scherm.",
    "postponed": "Uitgesteld",
    "cancelled": "Geannuleerd",
}
