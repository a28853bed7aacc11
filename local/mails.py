"""Shows the mails that the local shop has sent, at `/mails`; only the local server has that.

Nothing in a mail runs here: its HTML is shown in a frame without scripts, and no address outside is asked for anything.
"""

import json
import re
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

from chalicelib.platform.http.middleware import NO_SNIFFING
from chalicelib.platform.mail.folder import MailFolder

OF_PAGES = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
OF_MAILS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PATH = re.compile(rf"/mails(?:/({_UUID})(?:/(html|text|source|attachments/([0-9]{{1,2}})))?)?/?")
_HEADERS = ("Date", "From", "To", "Subject", "Content-Language", "List-Unsubscribe", "X-Cloudbash-Mail")

Shown = tuple[int, list[tuple[str, str]], bytes]
Json = dict[str, Any]


class LocalMails:
    """Answers requests for mails, as pages or, where JSON is asked for, as JSON."""

    def __init__(self, folder: Path) -> None:
        self._folder = MailFolder(folder)

    def shown_at(self, target: str, accept: str = "") -> Shown | None:
        """Return status, headers and content, and None for an address that is not about mails, or a mail unknown."""
        found = _PATH.fullmatch(target.partition("?")[0])
        if found is None:
            return None
        wants_json = "application/json" in accept
        if found[1] is None:
            return self._list(wants_json)
        file = self._folder.file_of(UUID(found[1]))
        if file is None:
            return None
        message = _read(file)
        match found[2]:
            case None:
                return _one(found[1], message, wants_json)
            case "html":
                return _shown("text/html; charset=utf-8", _content(message, "html").encode(), OF_MAILS)
            case "text":
                return _shown("text/plain; charset=utf-8", _content(message, "plain").encode(), OF_MAILS)
            case "source":
                return _shown("text/plain; charset=utf-8", file.read_bytes(), OF_MAILS)
        return _attachment(list(message.iter_attachments()), int(found[3]))

    def _list(self, wants_json: bool) -> Shown:
        files = self._folder.files()
        if wants_json:
            return _json({"items": [_facts(file.stem, _read(file)) for file in files]})
        rows = "".join(_row(_facts(file.stem, _read(file))) for file in files)
        table = f"<table><tr><th>Date<th>To<th>Subject</tr>{rows}</table>" if rows else "<p>No mail was sent yet.</p>"
        return _page("Mails", f"<h1>Mails</h1>{table}")


def _one(mail_id: str, message: EmailMessage, wants_json: bool) -> Shown:
    facts = _facts(mail_id, message)
    if wants_json:
        return _json(facts | {"text": _content(message, "plain"), "html": _content(message, "html")})
    headers = "".join(f"<tr><th>{name}<td>{escape(str(message[name]))}</tr>" for name in _HEADERS if name in message)
    files = "".join(
        f'<li><a href="/mails/{mail_id}/attachments/{place}">{escape(str(one["name"]))}</a> ({one["bytes"]} bytes)</li>'
        for place, one in enumerate(facts["attachments"])
    )
    body = (
        f'<p><a href="/mails">All mails</a></p><table>{headers}</table><ul>{files}</ul>'
        f'<iframe sandbox title="The mail as HTML" src="/mails/{mail_id}/html"></iframe>'
        f"<h2>As text</h2><pre>{escape(_content(message, 'plain'))}</pre>"
        f'<p><a href="/mails/{mail_id}/source">Source</a></p>'
    )
    return _page(str(message["Subject"]), body)


def _row(facts: Json) -> str:
    link = f'<a href="/mails/{facts["id"]}">{escape(facts["subject"])}</a>'
    return f"<tr><td>{escape(facts['date'])}<td>{escape(facts['to'])}<td>{link}</tr>"


def _facts(mail_id: str, message: EmailMessage) -> Json:
    attachments = [
        {
            "name": part.get_filename(),
            "type": part.get_content_type(),
            "bytes": len(part.get_payload(decode=True) or b""),
        }
        for part in message.iter_attachments()
    ]
    told = {name.lower(): str(message[name] or "") for name in ("Date", "From", "To", "Subject")}
    return {"id": mail_id, **told, "language": str(message["Content-Language"] or ""), "attachments": attachments}


def _attachment(parts: Sequence[Any], place: int) -> Shown | None:
    if place >= len(parts):
        return None
    headers = [("Content-Disposition", "attachment"), NO_SNIFFING]
    return HTTPStatus.OK, [("Content-Type", parts[place].get_content_type()), *headers], parts[place].get_content()


def _content(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return "" if body is None else str(body.get_content())


def _read(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=default)


def _page(title: str, body: str) -> Shown:
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}th,td{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top}"
        "iframe{width:100%;height:44rem;border:1px solid #ccc}pre{white-space:pre-wrap;background:#f5f5f5;padding:1rem}"
    )
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{style}</style>"
    return _shown("text/html; charset=utf-8", f"{head}{body}".encode(), OF_PAGES)


def _json(content: Json) -> Shown:
    return _shown("application/json", json.dumps(content).encode(), OF_MAILS)


def _shown(kind: str, content: bytes, policy: str) -> Shown:
    headers = [("Content-Type", kind), ("Content-Security-Policy", policy), ("Cache-Control", "no-store"), NO_SNIFFING]
    return HTTPStatus.OK, headers, content
