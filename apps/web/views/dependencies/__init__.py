"""What applications call: declared by picking from the catalogue, changed, confirmed, replaced,
ended, reopened."""

from apps.web.views.dependencies.adaptations import add as add_adaptation
from apps.web.views.dependencies.adaptations import change as change_adaptation
from apps.web.views.dependencies.adaptations import remove as remove_adaptation
from apps.web.views.dependencies.changing import change, confirm, end, order_fallbacks, reopen
from apps.web.views.dependencies.declaring import declare, replace

__all__ = [
    "add_adaptation",
    "change",
    "change_adaptation",
    "confirm",
    "declare",
    "end",
    "order_fallbacks",
    "remove_adaptation",
    "reopen",
    "replace",
]
