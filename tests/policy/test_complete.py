"""No address, API action, admin page or admin action exists that the policy matrix does not name (expansion/matrix.py)."""

import pytest
from django.contrib import admin
from django.urls import get_resolver

from dealops.audit.admin_classes import AuditedAdmin
from expansion.matrix import ADMIN_ACTIONS, ADMIN_EDITED, DOORS, OWN_ACCOUNT

pytestmark = pytest.mark.req("F88", "F90", "F95")


def addresses(patterns=None, space="", before=""):
    """(URL name, address, view) of everything outside /admin/."""
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        here = before + str(entry.pattern)
        if here.startswith("admin/"):
            continue
        if hasattr(entry, "url_patterns"):
            yield from addresses(entry.url_patterns, space + (f"{entry.namespace}:" if entry.namespace else ""), here)
        else:
            yield space + (entry.name or ""), here, entry.callback


def test_every_address_is_named():
    unnamed = [f"{name or '(no name)'}  /{path}" for name, path, _ in addresses() if name not in DOORS and not name.startswith(OWN_ACCOUNT)]
    assert not unnamed, (
        "The policy matrix does not name these addresses:\n  "
        + "\n  ".join(sorted(set(unnamed)))
        + "\nAdd a line for each to DOORS in expansion/matrix.py: the roles that may open it, its methods (page = GET, form = POST) and "
        "the row in its address (deal, change, document, contract, customer, message, handoff). The tests then try it as every role, for "
        "rows of one's own teams and of others. Rows come from expansion.scope.visible(user, queryset)."
    )


def test_no_line_names_an_address_that_is_gone():
    gone = sorted(set(DOORS) - {name for name, _, _ in addresses()})
    assert not gone, f"take these out of DOORS in expansion/matrix.py: {gone}"


def test_every_api_action_answers_the_methods_it_is_named_with():
    named, wrong = 0, []
    for name, _, view in addresses():
        methods = {method.upper() for method in getattr(view, "actions", None) or {}} - {"HEAD"}
        if name in DOORS and methods:
            named += 1
            if methods != set(DOORS[name].methods.split()):
                wrong.append(f"{name} answers {' '.join(sorted(methods))}, the matrix says {DOORS[name].methods}")
    assert named > 20
    assert not wrong, "Say in DOORS of expansion/matrix.py what is true:\n  " + "\n  ".join(wrong)


def test_every_model_whose_rows_are_edited_in_the_admin_is_named():
    edited = {model._meta.label for model, desk in admin.site._registry.items() if isinstance(desk, AuditedAdmin)}
    assert edited == set(ADMIN_EDITED), (
        f"The policy matrix and the admin differ in {sorted(edited ^ set(ADMIN_EDITED))}. Name who edits those rows in ADMIN_EDITED of "
        "expansion/matrix.py, or make the page a ReadOnlyAdmin (money, decisions and logs always are)."
    )


def test_every_admin_action_is_named():
    found = {f"site.{name}" for name, _ in admin.site.actions}
    for model, desk in admin.site._registry.items():
        for kind in ("actions", "actions_list", "actions_row", "actions_detail", "actions_submit_line"):
            names = (action if isinstance(action, str) else action.__name__ for action in getattr(desk, kind, ()) or ())
            found |= {f"{model._meta.label}.{name}" for name in names}
    assert found == set(ADMIN_ACTIONS), (
        f"Admin actions and the matrix differ in {sorted(found ^ set(ADMIN_ACTIONS))}. Name each in ADMIN_ACTIONS of expansion/matrix.py "
        "with the roles that may run it; it declares one permission and calls one operation per row."
    )


def test_no_address_is_without_a_name():
    assert not [path for name, path, _ in addresses() if not name or name.endswith(":")]
