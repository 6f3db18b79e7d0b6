"""Wiring. Importing the Celery app here makes it the one every process publishes with."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
