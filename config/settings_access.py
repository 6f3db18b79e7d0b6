"""Settings of access: authentication backends, lockout, tokens, second factor, passwords, idle time.

Imported last by ``config.settings``: every name in capitals here is a setting and replaces one of the base.
"""

from __future__ import annotations

from datetime import timedelta

from config import env
from config import settings_base as base
from config.settings_security import PRODUCTION

# Axes only watches and refuses; our own backend is the only one that knows a password.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "trials.backends.PasswordBackend"]

MIDDLEWARE = [
    *(
        name
        for original in base.MIDDLEWARE
        for name in (
            [original, "trials.middleware.session_lifetime"]
            if original == "django.contrib.auth.middleware.AuthenticationMiddleware"
            else [original]
        )
    ),
    "trials.middleware.AccessGate",
    "trials.middleware.RefusalPages",
    "axes.middleware.AxesMiddleware",
]

# Five wrong passwords lock an account for a quarter of an hour, never for good; one address may fail more often before
# it is held back, since a hospital shares one.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "trials.admin.login.locked_out"
LOGIN_FAILURES_PER_ADDRESS = 50
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # the limit per address is our own: LOGIN_FAILURES_PER_ADDRESS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
PASSWORD_MAXIMUM_LENGTH = 128
PASSWORDS_REMEMBERED = 5
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "printed_name", "email")},
    },
]

SESSION_IDLE_SECONDS = 15 * 60
SESSION_IDLE_WARNING_SECONDS = 2 * 60

# Roles that may not work without a second factor. Outside production none is asked for, so that the demonstration needs
# no phone; SECOND_FACTOR_ROLES="administrator,data_manager" switches it on anywhere.
SECOND_FACTOR_ROLES = env.listing("SECOND_FACTOR_ROLES") or (
    ["administrator", "data_manager", "medical_monitor"] if PRODUCTION else []
)
OTP_TOTP_ISSUER = "Day Zero"
RECOVERY_CODES = 10

REST_KNOX = {"TOKEN_TTL": timedelta(days=30), "TOKEN_LIMIT_PER_USER": 10, "AUTO_REFRESH": False}
