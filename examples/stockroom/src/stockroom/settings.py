"""Django's settings, from the environment."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit


def database(url: str) -> dict[str, object]:
    """Return Django's description of a PostgreSQL address."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path.lstrip("/"),
    }


SECRET_KEY = os.environ.get("STOCKROOM_SECRET_KEY", "only for a desk")
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["stockroom"]
ROOT_URLCONF = "stockroom.urls"
MIDDLEWARE: list[str] = []
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(os.environ.get("DATABASE_URL", "postgresql://127.0.0.1:1/none"))}
