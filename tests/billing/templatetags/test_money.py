"""How amounts, prices, quantities, percentages, dates and lights read."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.template import Context, Template

from billing.templatetags.dates import days_text, moment, period_text
from billing.templatetags.money import money_html
from expansion.domain.lights import Light, Status


def render(source, **values):
    return Template(source).render(Context(values))


@pytest.mark.parametrize(
    ("field", "value", "currency", "text"),
    [
        ("net", "13000", "GBP", "£13,000.00"),
        ("line 2 amount", "-35", "GBP", "\N{MINUS SIGN}£35.00"),
        ("total", "120000", "JPY", "JP¥120,000"),
        ("net", "13000", "", "13000"),
        ("next date", "2026-07-01", "GBP", "1 Jul 2026"),
        ("line 2 quantity", "25", "GBP", "25"),
        ("status", "live", "GBP", "live"),
        ("total", "", "GBP", "nothing"),
        ("line 1 description", "<b>Team</b>", "GBP", "&lt;b&gt;Team&lt;/b&gt;"),
    ],
)
def test_what_accounting_shows_otherwise_reads_as_money_and_days(field, value, currency, text):
    shown = render("{% load money %}{% compared field value currency %}", field=field, value=value, currency=currency)
    assert re.sub("<[^>]+>", "", shown) == text


def test_a_credit_says_so_in_words_and_not_by_its_sign_alone():
    assert "\N{MINUS SIGN}£35.00" in money_html(Decimal("-35"), "GBP")
    assert ">credit<" in money_html(Decimal("-35"), "GBP")
    assert "credit" not in money_html(Decimal("35"), "GBP")


def test_templates_need_no_load():
    assert render('{% money amount "GBP" %}', amount=Decimal("125")) == '<span class="do-money">£125.00</span>'
    assert render('{% money_text amount "GBP" as due %}Submit {{ due }}', amount=Decimal("125")) == "Submit £125.00"
    shown = render('{% money_change before after "GBP" %}', before=Decimal("1000"), after=Decimal("1250"))
    assert all(part in shown for part in ("£1,000.00", "£1,250.00", "(+£250.00)"))


def test_a_hostile_currency_cannot_break_out():
    assert "<script>" not in money_html(Decimal("1"), "<script>")


def test_a_period_reads_as_its_first_and_last_day():
    assert period_text(date(2026, 6, 16), date(2026, 7, 1)) == "16\N{EN DASH}30 Jun 2026"
    assert period_text(date(2026, 6, 16), date(2026, 6, 17)) == "16 Jun 2026"
    assert period_text(date(2026, 6, 16), date(2026, 7, 16)) == "16 Jun \N{EN DASH} 15 Jul 2026"
    assert period_text(date(2026, 12, 16), date(2027, 1, 16)) == "16 Dec 2026 \N{EN DASH} 15 Jan 2027"


def test_dates_and_ages():
    assert render("{{ day|day }}", day=date(2026, 6, 16)) == '<time datetime="2026-06-16">16 Jun 2026</time>'
    assert render("{{ day|weekday }}", day="2026-06-16") == '<time datetime="2026-06-16">Tue 16 Jun 2026</time>'
    assert render("{{ none|day }}|{{ none|moment }}", none=None) == "\N{EN DASH}|\N{EN DASH}"
    assert [days_text(days) for days in (0, 1, 12)] == ["today", "1 day", "12 days"]


def test_a_moment_names_its_zone_on_hover():
    shown = moment(datetime(2026, 6, 16, 9, 12, tzinfo=UTC))
    assert "16 Jun 2026, " in shown
    assert 'title="16 Jun 2026' in shown


@pytest.mark.parametrize("status", list(Status))
def test_every_light_has_an_icon_and_words(status):
    shown = render("{% light light %}", light=Light("Deal", status, "Waiting for <Finance>"))
    assert "<use href=" in shown
    assert "Waiting for &lt;Finance&gt;" in shown


def test_a_row_of_lights_keeps_its_words_for_screen_readers():
    shown = render("{% lights four compact=True %}", four=[Light("Deal", Status.DONE, "Updated")])
    assert 'class="sr-only">Deal: Updated.' in shown
    assert 'title="Deal: Updated"' in shown
