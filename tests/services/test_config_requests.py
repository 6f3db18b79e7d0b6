"""What every answer carries and what the log keeps of a request: an id, a route, and nothing of a participant."""

from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from config.request_log import REQUEST_ID_HEADER, RequestLogMiddleware

CANARY = "Zq7Canary01001"


def broken(request: HttpRequest, number: str) -> HttpResponse:
    """Fail as code does that puts data into the words of its error."""
    logging.getLogger("django.request").error("Internal Server Error: %s", request.path)
    logging.getLogger("some.library").warning(f"read {number}")
    logging.getLogger("some.library").warning("read %s", number)
    try:
        raise KeyError(number)
    except KeyError as error:
        raise ValueError(f"no participant {number}") from error


def fine(request: HttpRequest, number: str) -> HttpResponse:
    """Answer, and log as our rooms do."""
    logging.getLogger("trials.services.example").warning("visit_missed", extra={"count": 3})
    return HttpResponse(f"{number} {request.POST.get('name', '')}")


urlpatterns = [path("fine/<number>/", fine), path("broken/<number>/", broken)]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Collect what the configured handler would write."""
    written = io.StringIO()
    configured = logging.getLogger().handlers[0].formatter
    handler = logging.StreamHandler(written)
    for found in logging.getLogger().handlers:
        if isinstance(found.formatter, structlog.stdlib.ProcessorFormatter):
            configured = found.formatter
    assert isinstance(configured, structlog.stdlib.ProcessorFormatter)
    handler.setFormatter(configured)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines, each of which must be one JSON object."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.urls(__name__)
def test_a_line_carries_the_request_s_id_and_route_and_the_answer_its_id(client: Client, log: io.StringIO) -> None:
    answer = client.get(f"/fine/{CANARY}/?search={CANARY}")

    request_id = answer.headers[REQUEST_ID_HEADER]
    assert uuid.UUID(request_id).version == 4
    finished = [line for line in lines(log) if line["event"] == "request_finished"]
    assert [(line["request"], line["code"], line["request_id"]) for line in finished] == [
        ("GET fine/<number>/", 200, request_id)
    ]
    own = next(line for line in lines(log) if line["event"] == "visit_missed")
    assert (own["count"], own["request_id"]) == (3, request_id)


@pytest.mark.urls(__name__)
def test_no_line_carries_what_was_in_path_query_body_header_or_error(client: Client, log: io.StringIO) -> None:
    client.raise_request_exception = False
    headers = {"User-Agent": CANARY, "Referer": f"http://testserver/{CANARY}", "X-Request-ID": CANARY}

    for kind in ("fine", "broken"):
        client.get(f"/{kind}/{CANARY}/?search={CANARY}", headers=headers)
        client.post(f"/{kind}/{CANARY}/", {"name": CANARY}, headers=headers)
    client.get(f"/missing/{CANARY}", headers=headers)

    assert len(lines(log)) >= 5
    assert CANARY not in log.getvalue()


@pytest.mark.urls(__name__)
def test_an_error_is_kept_as_its_types_and_places(client: Client, log: io.StringIO) -> None:
    client.raise_request_exception = False

    answer = client.get(f"/broken/{CANARY}/")

    assert answer.status_code == 500
    failure = next(line for line in lines(log) if line["event"] == "request_failed")
    assert [cause["type"] for cause in failure["exception"]] == ["builtins.ValueError", "builtins.KeyError"]
    assert failure["exception"][0]["at"][-1].endswith(" broken")
    assert failure["request_id"] == answer.headers[REQUEST_ID_HEADER]


@pytest.mark.urls(__name__)
def test_a_client_cannot_choose_the_id_that_audit_events_carry(client: Client) -> None:
    answer = client.get("/fine/1/", headers={"X-Request-ID": "chosen"})

    assert answer.headers[REQUEST_ID_HEADER] != "chosen"


def test_the_id_is_bound_while_the_request_runs_and_gone_afterwards() -> None:
    seen: list[str] = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(str(structlog.contextvars.get_contextvars()["request_id"]))
        return HttpResponse()

    answer = RequestLogMiddleware(view)(RequestFactory().get("/"))

    assert seen == [answer.headers[REQUEST_ID_HEADER]]
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.urls(__name__)
def test_every_answer_forbids_other_hosts_frames_and_caches(client: Client) -> None:
    headers = client.get("/fine/1/").headers

    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert policy["frame-ancestors"] == "'none'"
    assert "http" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "private, no-store"


def test_the_root_leads_to_the_admin(client: Client) -> None:
    answer = client.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_the_log_is_written_by_one_handler_with_no_address_of_a_browser() -> None:
    assert settings.DJANGO_STRUCTLOG_IP_LOGGING_ENABLED is False
    assert settings.DJANGO_STRUCTLOG_COMMAND_LOGGING_ENABLED is False
    handlers: Any = settings.LOGGING["handlers"]
    assert list(handlers) == ["stderr"]
