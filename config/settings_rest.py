"""Settings of the REST interface: Django REST framework, its OpenAPI document, throttles, paging.

Imported last by ``config.settings``: every name in capitals here is a setting and replaces one of the base.
"""

from __future__ import annotations

from config import env

REST_FRAMEWORK = {
    # A view that names no way to sign in lets nobody in.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "trials.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "trials.api.problems.handle",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_THROTTLE_RATES": {
        "person": env.text("API_RATE_PERSON") or "600/min",
        "log_in": env.text("API_RATE_LOG_IN") or "10/min",
        "failure": env.text("API_RATE_FAILURE") or "30/min",
    },
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Day Zero",
    "DESCRIPTION": (
        "Read studies, sites, participants, visits, forms with their values, safety data, queries and the audit trail; "
        "follow changes. Every answer holds what your roles in force show you and nothing else."
    ),
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    # Choices stay where they are used: several kinds of records have a state.
    "POSTPROCESSING_HOOKS": ["trials.api.schema.add_problems"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None, "persistAuthorization": False},
}
