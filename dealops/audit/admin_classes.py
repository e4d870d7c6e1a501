"""The two kinds of admin page there are: one shows, one edits what RevOps looks after. Neither deletes (reliability section 8).

Permission comes from the role alone: Django's permission rows and `is_superuser` open nothing here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string
from unfold.admin import ModelAdmin

from dealops.accounts.models import Role
from dealops.accounts.step_up import require_fresh
from dealops.audit.operations import record

READERS = frozenset({Role.REVOPS, Role.AUDITOR})
EDITORS = frozenset({Role.REVOPS})


def fields_of(model: type[models.Model], *, without: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of a model by name, for `fields` of a page; secrets are named in `without`."""
    hidden = {"id", *without}
    return tuple(field.name for field in model._meta.fields if field.name not in hidden)


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows. Nothing is added, changed or deleted; there are no actions."""

    actions = None
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = ModelAdmin.show_facets.NEVER
    save_as = False
    list_fullwidth = True
    warn_unsaved_form = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user = request.user
        return bool(user.is_active and user.is_staff and user.role in READERS)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        """Of the rows, those the reader's teams cover: lists, rows, search and autocomplete alike (F88, F89)."""
        rows = super().get_queryset(request)
        return import_string(settings.ROW_SCOPE)(request.user, rows)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the filters the page offers: no `?password__startswith=`."""
        offered = {item if isinstance(item, str) else item[0] for item in self.list_filter if not isinstance(item, type)}
        name = lookup.removesuffix("__exact").removesuffix("__id").removesuffix("__isnull")
        name = name.removesuffix("__gte").removesuffix("__lt")
        return name in offered or name in {"id", "pk"}


class AuditedAdmin(ReadOnlyAdmin):
    """Edits rows that RevOps looks after. Each save is in the business log, and nobody saves over what another saved meanwhile.

    `fixed` names the fields that never change after the row was made. With `asks_again` whoever saves shows once more who they are:
    such rows decide what others may do (F97).
    """

    fixed: tuple[str, ...] = ()
    asks_again = False
    warn_unsaved_form = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._edits(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._edits(request)

    def _edits(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.role in EDITORS

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        if self.asks_again and request.method == "POST" and self._edits(request):
            require_fresh(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *(self.fixed if obj else ()))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_fields(request, obj), *(("seen",) if obj and self.has_change_permission(request, obj) else ()))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if not obj or not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, **options)
        options["form"] = _guarded(self.form, obj)
        return super().get_form(request, obj, change, **options)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = _facts(type(obj).objects.get(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)
        after = _facts(type(obj).objects.get(pk=obj.pk))
        moved = [name for name in after if before.get(name) != after[name]]
        kind = obj._meta.verbose_name
        record(
            action=f"{obj._meta.model_name}.{'changed' if change else 'added'}",
            sentence=f"{request.user} {'changed' if change else 'added'} the {kind} {obj}{': ' + ', '.join(moved) if change else ''}.",
            subjects=[getattr(obj, "permalink", f"{obj._meta.model_name}:{obj.pk}")],
            at=timezone.now(),
            by=request.user,
            before={name: before.get(name) for name in moved} if change else {},
            after={name: after[name] for name in moved},
        )


def _guarded(form: type[forms.ModelForm], obj: models.Model) -> type[forms.ModelForm]:
    """The form with the fingerprint of the row it was opened on; saving is refused when the row is another by then (F05)."""

    class Guarded(form):  # type: ignore[misc,valid-type]
        seen = forms.CharField(widget=forms.HiddenInput, initial=_fingerprint(obj), required=False, label="")

        def clean(self) -> Any:
            cleaned = super().clean()
            now = type(obj)._base_manager.select_for_update().get(pk=obj.pk)
            if self.data.get("seen") != _fingerprint(now):
                raise ValidationError("Someone else saved this meanwhile. Open it again to see it as it is now; nothing was saved over it.")
            return cleaned

    return Guarded


def _facts(obj: models.Model) -> dict[str, Any]:
    """The row as plain JSON."""
    values = model_to_dict(obj, fields=[field.name for field in obj._meta.fields if field.name not in {"password", "last_login"}])
    values = {
        field.name: values.get(field.name, getattr(obj, field.attname))
        for field in obj._meta.fields
        if field.name not in {"password", "last_login"}
    }
    return dict(json.loads(json.dumps(values, cls=DjangoJSONEncoder)))


def _fingerprint(obj: models.Model) -> str:
    fresh = type(obj)._base_manager.filter(pk=obj.pk).first() or obj
    return hashlib.sha256(json.dumps(_facts(fresh), sort_keys=True).encode()).hexdigest()
