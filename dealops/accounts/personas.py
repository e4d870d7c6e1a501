"""The four people of the demo, who can be picked with one click. Nothing here answers when DEMO is off."""

from __future__ import annotations

from django.conf import settings

from dealops.accounts.models import Role, User

PASSWORD = "demo-only-password"  # noqa: S105 - the demo says it wherever it asks for one
ORDER = (Role.SALES, Role.CUSTOMER_SUCCESS, Role.FINANCE, Role.REVOPS)


def personas() -> list[User]:
    """The first active person with a title of each role, in the order of the tour; empty unless the demo is on."""
    if not settings.DEMO:
        return []
    people = User.objects.filter(is_active=True, role__in=ORDER).exclude(title="").order_by("role", "id").distinct("role")
    return sorted(people, key=lambda person: ORDER.index(Role(person.role)))


def password_of(user: User) -> str:
    """The password the demo gave this person, to be told where one is asked for; "" outside the demo and once it was changed."""
    return PASSWORD if settings.DEMO and user.check_password(PASSWORD) else ""
