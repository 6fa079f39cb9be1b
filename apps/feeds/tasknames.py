"""The poll task as a signature, so that actions can send it without importing the task's module."""

from celery import signature

POLL_SOURCE = signature("feeds.poll_source")
