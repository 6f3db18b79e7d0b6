"""Static files: served by the web process itself, compressed and named by content in production."""

from __future__ import annotations

from pathlib import Path

from config import env
from config.settings_base import BASE_DIR
from config.settings_security import PRODUCTION

# Local work serves the apps' own folders without a collecting step; production serves what `collectstatic` gathered.
STATIC_ROOT = Path(env.text("STATIC_ROOT") or BASE_DIR / "staticfiles") if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
