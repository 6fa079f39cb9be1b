"""Migrations that do not render unused models.

After each operation Django renders every model again that is related to the changed one, however
distantly. In this project all models are related through users and their history, which makes a
hundred models for each of more than a thousand operations: a minute for an empty database. What an
operation adds to a model is visible in that model only; the others refer to it by its label. So
only that model is rendered, and the others wait until relations are read: Django's own RunPython
requests that (`clear_delayed_apps_cache`).
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from django.apps import apps as installed
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState


class LeanState(ProjectState):
    """Renders only the changed model after an operation that adds something; renders all models
    after an operation that removes, renames, or alters what others refer to."""

    @classmethod
    def of(cls, state: ProjectState) -> Self:
        """Return a copy of `state` in which nothing is rendered yet."""
        return cls(state.models, state.real_apps)

    def clone(self) -> Self:
        copy = type(self)({key: _copy(model) for key, model in self.models.items()}, self.real_apps)
        if "apps" in self.__dict__:
            copy.apps = self.apps.clone()
        copy.is_delayed = self.is_delayed
        return copy

    def add_field(
        self, app_label: str, model_name: str, name: str, field: Any, preserve_default: Any
    ) -> None:
        # Django does not delay the rendering of relations; a new field has no references to it yet
        with_apps = self.__dict__.pop("apps", None)
        super().add_field(app_label, model_name, name, field, preserve_default)
        if with_apps is not None:
            self.apps = with_apps
            self.reload_model(app_label, model_name, delay=True)

    def reload_model(self, app_label: str, model_name: str, delay: bool = False) -> None:
        if "apps" not in self.__dict__:
            return
        new = model_name not in self.apps.all_models[app_label]
        if (delay or new) and not self._has_derived_models(app_label, model_name):
            self.is_delayed = True
            with self.apps.bulk_update():
                self.apps.unregister_model(app_label, model_name)
            self.apps.render_multiple([self.models[app_label, model_name]])
        else:
            self._render_all()

    def reload_models(self, models: Any, delay: bool = True) -> None:
        if "apps" in self.__dict__:
            self._render_all()

    def rename_model(self, app_label: str, old_name: str, new_name: str) -> None:
        super().rename_model(app_label, old_name, new_name)
        if "apps" in self.__dict__:
            self._render_all()

    def _has_derived_models(self, app_label: str, model_name: str) -> bool:
        """Return whether another model is derived from this one: a proxy, or a model whose table
        extends its table."""
        label = f"{app_label}.{model_name}"
        return any(base == label for model in self.models.values() for base in model.bases)

    def _render_all(self) -> None:
        del self.apps
        _ = self.apps


def _copy(model: ModelState) -> ModelState:
    """Return what `model.clone()` returns, without the check of each field that was checked when
    the original was made: one copy of every model is made before each operation."""
    copy = ModelState.__new__(type(model))
    copy.__dict__.update(
        vars(model),
        fields=dict(model.fields),
        options=dict(model.options),
        managers=list(model.managers),
    )
    return copy


@contextmanager
def _remembered_settings() -> Iterator[None]:
    """Look up the names of settings for swappable models once. All registries of models share the
    cache of Django's method, and each change of one empties it: every relation that is rendered
    then looks through all models."""
    installed.get_swappable_settings_name = functools.cache(  # type: ignore[method-assign]
        installed.get_swappable_settings_name
    )
    try:
        yield
    finally:
        vars(installed).pop("get_swappable_settings_name", None)


class LeanExecutor(MigrationExecutor):
    @_remembered_settings()
    def migrate(self, *args: Any, **options: Any) -> Any:
        return super().migrate(*args, **options)

    def _create_project_state(self, with_applied_migrations: bool = False) -> LeanState:
        state = super()._create_project_state(with_applied_migrations=with_applied_migrations)  # type: ignore[misc]
        return LeanState.of(state)
