"""Applications: what each stands on, what it inherits, what must be done."""

from apps.inventory.models import CRITICALITY_WORDS as LEVELS
from apps.web.views.applications.lists import application_csv, application_list, application_xlsx
from apps.web.views.applications.one import application, history
from apps.web.views.applications.registering import bring_back, change, merge, register, retire
from apps.web.views.applications.several import change_several
from apps.web.views.applications.standing import Standing, standing_of
from apps.web.views.applications.tables import stack_csv, table_csv

__all__ = [
    "LEVELS",
    "Standing",
    "application",
    "application_csv",
    "application_list",
    "application_xlsx",
    "bring_back",
    "change",
    "change_several",
    "history",
    "merge",
    "register",
    "retire",
    "stack_csv",
    "standing_of",
    "table_csv",
]
