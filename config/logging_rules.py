"""What a log line may carry.

Our own loggers say an event and named facts. Everybody else's lines are kept as their unformatted template, since their
arguments are paths, messages and values that may name a participant; an exception is kept as its type and the places in
the code it passed, without its message and without local variables.
"""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

OWN_ROOMS = frozenset({"trials", "capture", "safety", "seeds", "config"})
# The facts that may stay in a line of the request and task log of the library we use for it.
LIBRARY_FACTS = frozenset(
    {"event", "level", "logger", "timestamp", "request_id", "code", "request", "task", "task_id", "duration", "user_id"}
    | {"child_task_id", "child_task_name", "parent_task_id", "exc_info", "_record", "_from_structlog"}
)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def is_own(logger_name: str) -> bool:
    """Return whether a logger belongs to one of our rooms.

    >>> is_own("trials.records.services.wakeups"), is_own("django.request")
    (True, False)
    """
    return logger_name.partition(".")[0] in OWN_ROOMS


def named_facts(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep the named facts of our own loggers' lines; of any other line keep where it came from and its template."""
    record: logging.LogRecord = event["_record"]
    arguments = event.pop("positional_args", ())
    if is_own(record.name):
        event["event"] = record.msg
        event.update({key: value for key, value in record.__dict__.items() if key not in _STANDARD})
        return event
    event["place"] = f"{record.module}.{record.funcName}:{record.lineno}"
    if not arguments:
        # The text may have been put together before it was logged, values and all.
        event["event"] = "(text not kept)"
    return event


def library_facts(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep the known facts only of a line that a library logged through structlog."""
    if is_own(str(event.get("logger", ""))):
        return event
    return {key: value for key, value in event.items() if key in LIBRARY_FACTS}


def exception_places(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the places it passed, and so on for its causes."""
    found = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> list[dict[str, Any]]:
    """Return an exception and its causes, outermost first: type and places, no messages.

    >>> describe(ValueError("participant 01-001"))
    [{'type': 'builtins.ValueError', 'at': []}]
    """
    seen: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(seen) < 10:
        kind = type(current)
        seen.append({"type": f"{kind.__module__}.{kind.__qualname__}", "at": _places(current.__traceback__)})
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return seen


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def chain_of_own_loggers() -> list[Processor]:
    """Return the processors of structlog's own loggers."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        library_facts,
    ]


def chain_of_other_loggers() -> list[Processor]:
    """Return the processors of lines that come through the standard library."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named_facts,
    ]


def json_line() -> list[Processor]:
    """Return the last processors, which every line passes."""
    return [
        exception_places,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(sort_keys=True, default=str),
    ]
