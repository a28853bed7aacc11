"""Makes the two small pages of unsubscribing; nothing in them comes from outside."""

from chalicelib.shop.mails.words import Words

_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem;color:#1d1d1f}"
    "button{font:inherit;padding:.6em 1.2em;border:0;border-radius:6px;background:#7a2e3b;color:#fff}"
)


def asking(language: str | None) -> str:
    """Return the page that asks, with a button that sends the form to its own address."""
    words = Words(language)
    form = f'<form method="post"><button>{words("unsubscribe.button")}</button></form>'
    return _page(words, f"<p>{words('unsubscribe.ask')}</p>{form}")


def done(language: str | None) -> str:
    """Return the page that says that it is done."""
    words = Words(language)
    return _page(words, f"<p>{words('unsubscribe.done')}</p>")


def _page(words: Words, body: str) -> str:
    title = words("unsubscribe.title")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    return (
        f'<!doctype html><html lang="{words.language}"><head>{head}<style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1>{body}</body></html>"
    )
