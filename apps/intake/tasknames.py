"""The worker's task as a signature, so that actions can send it without importing the task's
module."""

from celery import signature

CARRY_OUT = signature("intake.carry_out_import")
