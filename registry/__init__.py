"""Composition root: settings, routes, beat schedule, servers. Nothing under apps/ imports it."""

from registry.celery import app as celery_app

__all__ = ["celery_app"]
