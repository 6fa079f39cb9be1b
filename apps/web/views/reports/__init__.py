"""What is handed in: the register, component files, the model inventory, evidence packs and the
board's page."""

from apps.web.views.reports.board import board
from apps.web.views.reports.components import (
    answer,
    component,
    component_csv,
    component_json,
    component_list,
    component_xlsx,
)
from apps.web.views.reports.home import home
from apps.web.views.reports.models import model_csv, model_xlsx, models, statement
from apps.web.views.reports.packs import ask, pack, pack_file, pack_progress, packs
from apps.web.views.reports.register import entity, register, register_csv, register_xlsx

__all__ = [
    "answer",
    "ask",
    "board",
    "component",
    "component_csv",
    "component_json",
    "component_list",
    "component_xlsx",
    "entity",
    "home",
    "model_csv",
    "model_xlsx",
    "models",
    "pack",
    "pack_file",
    "pack_progress",
    "packs",
    "register",
    "register_csv",
    "register_xlsx",
    "statement",
]
