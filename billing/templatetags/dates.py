"""Dates and moments as people read them: `16 Jun 2026`, hover gives the time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

NONE = "\N{EN DASH}"


def day_text(value: date | str | None) -> str:
    """`16 Jun 2026`. Takes a date, a moment (its day in the current zone) or ISO text."""
    found = _day(value)
    return f"{found.day} {found:%b %Y}" if found else NONE


def short_day_text(value: date | str | None) -> str:
    """`16 Jun`, where the year is plain from its surroundings."""
    found = _day(value)
    return f"{found.day} {found:%b}" if found else NONE


def period_text(start: date | str | None, end: date | str | None) -> str:
    """The half-open period [start, end) as its first and last day: `16-30 Jun 2026`, with an en dash."""
    first, after = _day(start), _day(end)
    if first is None or after is None:
        return NONE
    last = after - timedelta(days=1)
    if first == last:
        return day_text(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}\N{EN DASH}{day_text(last)}"
    return f"{short_day_text(first) if first.year == last.year else day_text(first)} \N{EN DASH} {day_text(last)}"


def days_text(days: int) -> str:
    """`today`, `1 day`, `12 days`."""
    return "today" if days <= 0 else "1 day" if days == 1 else f"{days} days"


@register.filter
def day(value: date | str | None) -> SafeString | str:
    found = _day(value)
    return format_html('<time datetime="{}">{}</time>', found.isoformat(), day_text(found)) if found else NONE


@register.filter
def short_day(value: date | str | None) -> SafeString | str:
    found = _day(value)
    return (
        format_html('<time datetime="{}" title="{}">{}</time>', found.isoformat(), day_text(found), short_day_text(found))
        if found
        else NONE
    )


@register.filter
def weekday(value: date | str | None) -> SafeString | str:
    """`Tue 16 Jun 2026`."""
    found = _day(value)
    return format_html('<time datetime="{}">{} {}</time>', found.isoformat(), f"{found:%a}", day_text(found)) if found else NONE


@register.filter
def plain_day(value: date | str | None) -> str:
    """Text only, for labels."""
    return day_text(value)


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """`16 Jun 2026, 10:12`; hover names the zone."""
    return _moment(value, f"{day_text(value)}, {timezone.localtime(value):%H:%M}") if value else NONE


@register.filter
def clock(value: datetime | None) -> SafeString | str:
    """`10:12`; hover gives day and zone."""
    return _moment(value, f"{timezone.localtime(value):%H:%M}") if value else NONE


@register.simple_tag
def age(since: date | datetime, today: date) -> str:
    """How many calendar days ago: `today`, `1 day`, `12 days`."""
    found = _day(since)
    return days_text((today - found).days) if found else NONE


@register.simple_tag
def period(start: date | str | None, end: date | str | None) -> str:
    """`{% period line.service_start line.service_end %}` for a half-open period: `16-30 Jun 2026`, with an en dash."""
    return period_text(start, end)


def _moment(value: datetime, words: str) -> SafeString:
    local = timezone.localtime(value)
    title = f"{day_text(local)}, {local:%H:%M} {local.tzname()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), title, words)


def _day(value: date | str | None) -> date | None:
    if not value:
        return None
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value
