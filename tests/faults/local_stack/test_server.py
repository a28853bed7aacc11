"""The local API server answers whatever is sent to it."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
from chalice.app import AuthRequest, AuthResponse, Chalice

from local import ports
from local.server import running_server
from tests.faults.local_stack.processes import WITHIN, Event, say


def shop() -> Chalice:
    app = Chalice(app_name="shop")

    @app.authorizer()
    def who(request: AuthRequest) -> AuthResponse:
        if request.token == "expired":
            raise RuntimeError("Unauthorized")
        return AuthResponse(routes=["*"] if request.token == "good" else [], principal_id="somebody")

    @app.route("/things", methods=["GET", "POST"])
    def things() -> Event:
        request = app.current_request
        assert request
        return {"method": request.method, "body": request.json_body}

    @app.route("/secret", methods=["GET"], authorizer=who)
    def secret() -> Event:
        return {}

    @app.route("/broken", methods=["GET"])
    def broken() -> Event:
        return {"cannot": object()}

    return app


@pytest.fixture(scope="module")
def api() -> Iterator[int]:
    with running_server(shop()) as url:
        yield int(url.rsplit(":", 1)[1])


GET = b"GET /things HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /nothing HTTP/1.1\r\n\r\n", 404, "not_found"),
        (b"GET /nothing HTTP/1.1\r\nAuthorization: \xff\xfe\r\n\r\n", 404, "not_found"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 404, "not_found"),
        (b"GET /secret HTTP/1.1\r\n\r\n", 401, "unauthenticated"),
        (b"GET /secret HTTP/1.1\r\nAuthorization: expired\r\n\r\n", 401, "unauthenticated"),
        (b"GET /secret HTTP/1.1\r\nAuthorization: \xff\r\n\r\n", 403, "forbidden"),
        (b"GET /broken HTTP/1.1\r\n\r\n", 500, "internal_error"),
        (b"PUT /things HTTP/1.1\r\n\r\n", 405, "method_not_allowed"),
        (b"TRACE /things HTTP/1.1\r\n\r\n", 405, "method_not_allowed"),
        (b"BREW /things HTTP/1.1\r\n\r\n", 405, "method_not_allowed"),
        (POST + b"Content-Length: many\r\n\r\n", 400, "malformed_request"),
        (POST + b"Content-Length: -1\r\n\r\n", 400, "malformed_request"),
        (POST + b"Content-Length: \xb2\r\n\r\n{}", 400, "malformed_request"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400, "malformed_request"),
        (POST + b"Content-Length: 20\r\n\r\n{}", 400, "malformed_request"),
        (POST + b"Content-Length: 99999999999\r\n\r\n{}", 413, "body_too_large"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400, "malformed_request"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "malformed_request"),
        (GET + b"no colon\r\nHost: y\r\n\r\n", 400, "malformed_request"),
        (GET + b"Long: " + b"x" * 70_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
        (b"what\r\n\r\n", 400, "malformed_request"),
        (b"\x16\x03\x01\x02\x00\x01\n\n", 400, "malformed_request"),
    ],
)
def test_whatever_is_malformed_or_refused_is_answered_with_a_problem(
    api: int, request_bytes: bytes, status: int, code: str
) -> None:
    answered, headers, body = say(api, request_bytes)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    problem = json.loads(body)
    assert problem.keys() == {"type", "title", "status", "code", "detail"}
    assert (problem["type"], problem["status"], problem["code"]) == ("about:blank", status, code)


def test_an_answer_to_head_has_no_body(api: int) -> None:
    status, headers, body = say(api, b"HEAD /things HTTP/1.1\r\n\r\n")
    assert (status, body) == (405, b"")
    assert headers["allow"] == "GET, OPTIONS, POST"


def test_a_chunked_body_is_read_and_a_connection_serves_many_requests(api: int) -> None:
    connection = HTTPConnection(ports.HOST, api, timeout=WITHIN)
    with closing(connection):
        for _ in range(3):
            chunks = iter([b'{"a"', b": 1}"])
            connection.request("POST", "/things", body=chunks, headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert json.loads(answer.read()) == {"method": "POST", "body": {"a": 1}}
            assert answer.headers["Content-Type"] == "application/json"


def test_a_token_the_authorizer_admits_passes(api: int) -> None:
    assert say(api, b"GET /secret HTTP/1.1\r\nAuthorization: good\r\n\r\n")[0] == 200
