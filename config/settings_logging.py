"""Logs: one JSON object a line on standard error, with the request's id and without participant data."""

from __future__ import annotations

import logging

import structlog

from config import env
from config.logging_rules import chain_of_other_loggers, chain_of_own_loggers, json_line

LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()

DJANGO_STRUCTLOG_CELERY_ENABLED = True
# A sweep runs every few seconds: only one that fails is worth a line.
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
DJANGO_STRUCTLOG_COMMAND_LOGGING_ENABLED = False

structlog.configure(
    processors=[*chain_of_own_loggers(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": json_line(),
            "foreign_pre_chain": chain_of_other_loggers(),
            # The template stays a template; its arguments are seen by the processors and dropped there.
            "use_get_message": False,
            "pass_foreign_args": True,
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Django sets up handlers of its own for these; everything goes through the one above.
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # config.request_log says the same with the request's id and without its path.
        "django.request": {"handlers": [], "level": "CRITICAL", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "axes": {"handlers": [], "level": "WARNING", "propagate": True},
        "celery": {"handlers": [], "level": "WARNING", "propagate": True},
        "kombu": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
