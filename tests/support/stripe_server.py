"""Stripe on this machine: the endpoints that we use, with the shapes, errors and idempotency that its API documents."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]

DECLINED = {
    "error": {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "generic_decline",
        "message": "Your card was declined.",
    }
}

AUTHENTICATION_FAILED = {
    "type": "card_error",
    "code": "payment_intent_authentication_failure",
    "message": "We are unable to authenticate your payment method.",
}
WANTS_AUTHENTICATION = "pm_card_threeDSecure2Required"
BANK = "https://hooks.stripe.example/3d_secure/"


class FakeStripe:
    """What it remembers, and the faults it is told to have."""

    def __init__(self) -> None:
        self.intents: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.disputes: dict[str, Json] = {}
        self.requests: list[str] = []
        self.search_is_behind = False
        self.refuses_payments: Json | None = None
        self.lose_reply_to = ""
        self.refund_status = "succeeded"
        self.refuses_refunds: Json | None = None
        self.page_size = 100
        self.created = 0
        """The instant of all that is made from now on, in seconds."""

        self._answers: dict[str, tuple[Json, int, Json]] = {}

    def answer(self, method: str, path: str, params: Json, key: str | None) -> tuple[int, Json]:
        self.requests.append(f"{method} {path}")
        if method == "GET" or key is None:
            return self._route(method, path.split("/")[2:], params)
        if key not in self._answers:
            status, body = self._route(method, path.split("/")[2:], params)
            self._answers[key] = (params, status, json.loads(json.dumps(body)))
        first, status, body = self._answers[key]
        if first != params:
            message = "Keys for idempotent requests can only be used with the same parameters."
            return 400, {"error": {"type": "idempotency_error", "message": message}}
        return status, body

    def _route(self, method: str, path: list[str], params: Json) -> tuple[int, Json]:
        match method, *path:
            case "POST", "payment_intents":
                refusal = refused_amount(int(params["amount"]), params["currency"]) or self.refuses_payments
                return (400, refusal) if refusal else (200, self._create(params))
            case "GET", "payment_intents", "search":
                return 200, self._search(params["query"])
            case "GET", "payment_intents", key:
                is_expanded = params.get("expand[0]") == "latest_charge.refunds"
                return 200, self.intents[key] | ({"latest_charge": self._charge(key)} if is_expanded else {})
            case "POST", "payment_intents", key, "confirm":
                return self._confirm(self.intents[key], params["payment_method"], params.get("return_url"))
            case "POST", "payment_intents", key, "cancel":
                return self._cancel(self.intents[key])
            case "POST", "refunds":
                return self._refund(params)
            case "GET", ("payment_intents" | "refunds" | "disputes") as kind if "created[gte]" in params:
                return 200, self._page(kind, params)
            case "GET", "refunds":
                return 200, listed(self.refunds_of(params["payment_intent"]), "/v1/refunds")
            case "GET", "disputes":
                found = [one for one in self.disputes.values() if one["payment_intent"] == params["payment_intent"]]
                return 200, listed(found, "/v1/disputes")
        return 404, {"error": {"type": "invalid_request_error", "message": "Unrecognized request URL"}}

    def _page(self, kind: str, params: Json) -> Json:
        """A page of what was made in a span of time, the newest first, as Stripe lists it."""
        made = {"payment_intents": self.intents, "refunds": self.refunds, "disputes": self.disputes}[kind]
        first, end = int(params["created[gte]"]), int(params["created[lt]"])
        found = [one for one in reversed(made.values()) if first <= one["created"] < end]
        ids = [one["id"] for one in found]
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        size = min(self.page_size, int(params["limit"]))
        data = found[start : start + size]
        if params.get("expand[0]") == "data.payment_intent":
            data = [one | {"payment_intent": self.intents[one["payment_intent"]]} for one in data]
        return listed(data, f"/v1/{kind}") | {"has_more": len(found) > start + size}

    def _create(self, params: Json) -> Json:
        key = f"pi_{len(self.intents) + 1}"
        self.intents[key] = {
            "id": key,
            "object": "payment_intent",
            "created": self.created,
            "client_secret": f"{key}_secret_1",
            "next_action": None,
            "last_payment_error": None,
            "amount": int(params["amount"]),
            "amount_received": 0,
            "currency": params["currency"],
            "status": "requires_payment_method",
            "metadata": metadata_in(params),
        }
        return self.intents[key]

    def _search(self, query: str) -> Json:
        wanted = query.split("'")[3]
        found = [one for one in self.intents.values() if one["metadata"].get("payment_id") == wanted]
        data = [] if self.search_is_behind else found
        return {"object": "search_result", "data": data, "has_more": False, "url": "/v1/payment_intents/search"}

    def authenticate(self, key: str, *, succeeds: bool) -> bool:
        """Let the customer answer the bank; tell whether the intent still waited for that."""
        intent = self.intents[key]
        if intent["status"] != "requires_action":
            return False
        intent["next_action"] = None
        if succeeds:
            intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        else:
            intent |= {"status": "requires_payment_method", "last_payment_error": AUTHENTICATION_FAILED}
        return True

    def was_answered(self, key: str | None) -> bool:
        return key in self._answers

    def _confirm(self, intent: Json, method: str, return_url: str | None) -> tuple[int, Json]:
        if intent["status"] != "requires_payment_method":
            return 400, unexpected_state(intent)
        if method == WANTS_AUTHENTICATION:
            return 200, wanting_authentication(intent, return_url)
        if method == "pm_card_chargeDeclined":
            return 402, DECLINED
        if method == "pm_closed_account":
            return 400, refusal("account_closed")
        if method == "pm_unknown":
            return 400, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such"}}
        intent["status"] = "processing" if method == "pm_slow" else "succeeded"
        intent["amount_received"] = 0 if method == "pm_slow" else intent["amount"]
        return 200, intent

    def _cancel(self, intent: Json) -> tuple[int, Json]:
        if intent["status"] in {"succeeded", "canceled", "processing"}:
            return 400, unexpected_state(intent)
        intent["status"] = "canceled"
        return 200, intent

    def _charge(self, intent: str) -> Json:
        """The charge of an intent, with its refunds; a page of them has two here."""
        refunds = listed(self.refunds_of(intent)[-2:], f"/v1/charges/ch_{intent}/refunds")
        refunds["has_more"] = len(self.refunds_of(intent)) > 2
        disputed = any(one["payment_intent"] == intent for one in self.disputes.values())
        return {"id": f"ch_{intent}", "object": "charge", "disputed": disputed, "refunds": refunds}

    def refunds_of(self, intent: str) -> list[Json]:
        return [one for one in self.refunds.values() if one["payment_intent"] == intent]

    def _refund(self, params: Json) -> tuple[int, Json]:
        if self.refuses_refunds is not None:
            return 400, self.refuses_refunds
        intent, amount = params["payment_intent"], int(params["amount"])
        if any(one["status"] == "needs_response" for one in self.disputes.values()):
            return 400, refusal("charge_disputed")
        given_back = sum(one["amount"] for one in self.refunds_of(intent) if one["status"] in {"succeeded", "pending"})
        left = self.intents[intent]["amount_received"] - given_back
        if not left:
            return 400, refusal("charge_already_refunded")
        if amount > left:
            message = "Refund amount is greater than unrefunded amount on charge."
            return 400, {"error": {"type": "invalid_request_error", "param": "amount", "message": message}}
        return 200, self.add_refund(intent, amount, metadata_in(params), self.refund_status)

    def add_refund(self, intent: str, amount: int, metadata: Json, status: str = "succeeded") -> Json:
        """A refund; without metadata of ours it was made in the dashboard."""
        key = f"re_{len(self.refunds) + 1}"
        self.refunds[key] = {
            "id": key,
            "object": "refund",
            "created": self.created,
            "amount": amount,
            "currency": self.intents[intent]["currency"],
            "payment_intent": intent,
            "charge": f"ch_{intent}",
            "status": status,
            "failure_reason": "lost_or_stolen_card" if status == "failed" else None,
            "metadata": metadata,
        }
        return self.refunds[key]

    def add_dispute(self, intent: str) -> Json:
        key = f"du_{len(self.disputes) + 1}"
        self.disputes[key] = {
            "id": key,
            "object": "dispute",
            "created": self.created,
            "amount": self.intents[intent]["amount"],
            "currency": self.intents[intent]["currency"],
            "payment_intent": intent,
            "charge": f"ch_{intent}",
            "reason": "fraudulent",
            "status": "needs_response",
            "metadata": {},
        }
        return self.disputes[key]


def listed(data: list[Json], url: str) -> Json:
    return {"object": "list", "data": data, "has_more": False, "url": url}


def metadata_in(params: Json) -> dict[str, str]:
    """Form fields `metadata[name]=value`."""
    return {name[9:-1]: value for name, value in params.items() if name.startswith("metadata[")}


def wanting_authentication(intent: Json, return_url: str | None) -> Json:
    """With an address to return to, the bank's page; else what Stripe's library in the browser does."""
    intent["status"] = "requires_action"
    intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "stripe_3ds2_fingerprint"}}
    if return_url is not None:
        redirect = {"url": f"{BANK}{intent['id']}", "return_url": return_url}
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": redirect}
    return intent


LEAST = {"eur": 50, "dkk": 250, "jpy": 50}
MOST = 99_999_999


def refused_amount(amount: int, currency: str) -> Json | None:
    """The answer to an amount that is too small or too large."""
    if LEAST.get(currency, 50) <= amount <= MOST:
        return None
    return refusal("amount_too_small" if amount < MOST else "amount_too_large", param="amount")


def refusal(code: str, **more: str) -> Json:
    """The answer to what it will never do; its message names ids."""
    message = f"acct_1032D82eZvKYlo2C refuses: {code}"
    return {"error": {"type": "invalid_request_error", "code": code, "message": message, **more}}


def unexpected_state(intent: Json) -> Json:
    error = {"type": "invalid_request_error", "code": "payment_intent_unexpected_state", "payment_intent": intent}
    return {"error": {**error, "message": f"This PaymentIntent has a status of {intent['status']}."}}


@contextmanager
def running_stripe() -> Iterator[tuple[FakeStripe, str]]:
    """The fake and its base address."""
    fake = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            params = dict(parse_qsl(parts.query) + parse_qsl(body))
            key = self.headers.get("Idempotency-Key")
            is_replayed = fake.was_answered(key)
            status, answer = fake.answer(self.command, parts.path, params, key)
            if fake.lose_reply_to and parts.path.endswith(fake.lose_reply_to):
                self.close_connection = True
                return
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            if is_replayed:
                self.send_header("Idempotent-Replayed", "true")
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = _handle  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Tests need no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
