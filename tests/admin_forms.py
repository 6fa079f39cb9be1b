"""Forms of the admin, sent back as a browser would."""

from typing import Any

from django.db.models import Model
from django.forms import ModelMultipleChoiceField, MultipleChoiceField
from django.test import Client
from django.urls import reverse


def admin_form_data(response: Any) -> dict[str, Any]:
    """Return what a browser would send back of a form that nobody changed, without its inlines."""
    form = response.context["adminform"].form
    data: dict[str, Any] = {}
    for name in form.fields:
        value = form[name].value()
        if isinstance(value, bool):
            if value:
                data[form.add_prefix(name)] = "on"
        elif isinstance(value, list):
            several = isinstance(form.fields[name], MultipleChoiceField | ModelMultipleChoiceField)
            data[form.add_prefix(name)] = value if several else ",".join(map(str, value))
        elif value is not None:
            data[form.add_prefix(name)] = value
    for formset in response.context["inline_admin_formsets"]:
        prefix = formset.formset.prefix
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    return data


def save_admin_form(client: Client, row: Model, **changes: Any) -> None:
    """Open the form of a row, change fields, save and read the row again; None leaves a field
    out."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    data = admin_form_data(client.get(address))
    for name, value in changes.items():
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
    answer = client.post(address, data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row.refresh_from_db()
