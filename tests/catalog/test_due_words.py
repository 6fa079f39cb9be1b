"""What is said of a retirement date that has come: due until its source confirms it."""

from datetime import date, timedelta

import pytest
from django.test import Client

from apps.catalog.models import DueStatus, Lifecycle, Offering
from apps.catalog.retirements.due import due_note, due_text, retired_note
from apps.common.time import day_of, now

DAY = date(2026, 10, 1)
