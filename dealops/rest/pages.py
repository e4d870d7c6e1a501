"""One's own API tokens: seen, made, revoked. The token itself is on one page, once."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dealops.accounts.models import ApiToken
from dealops.accounts.step_up import step_up_required
from dealops.rest import tokens

INPUT = {"class": "do-input"}


class TokenForm(forms.Form):
    """What a new token is for, what it opens and until when."""

    name = forms.CharField(max_length=80, label="What uses it", help_text="For example: nightly export to the warehouse.")
    access = forms.ChoiceField(choices=ApiToken.Access.choices, label="What it may do", widget=forms.Select(attrs={"class": "do-select"}))
    kinds = forms.MultipleChoiceField(
        required=False, label="Only these", widget=forms.CheckboxSelectMultiple, help_text="Nothing ticked means every kind of resource."
    )
    expires_at = forms.DateField(label="Last day", widget=forms.DateInput(format="%Y-%m-%d", attrs={**INPUT, "type": "date"}))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["name"].widget.attrs.update(INPUT, autocomplete="off")
        self.fields["kinds"].choices = [(kind, kind) for kind in tokens.resource_kinds()]  # type: ignore[attr-defined]
        self.fields["expires_at"].initial = timezone.localdate() + timedelta(days=90)


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The tokens of the person, newest first."""
    return _page(request, TokenForm())


@login_required
@require_POST
@step_up_required
@never_cache
def make(request: HttpRequest) -> HttpResponse:
    """A new token, shown on the answer to this one request. 400 with the form when something needs another look."""
    form, secret = TokenForm(request.POST), ""
    if form.is_valid():
        values = form.cleaned_data
        last_moment = timezone.make_aware(datetime.combine(values.pop("expires_at"), time.max))
        try:
            _, secret = tokens.issue(user=request.user, **values, expires_at=last_moment, at=timezone.now())
        except tokens.TokenRefused as refused:
            form.add_error(refused.field or None, refused.message)
    if not secret:
        return _page(request, form, status=400)
    return _page(request, TokenForm(), secret=secret)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes back one of one's own. Somebody else's is not there (404)."""
    row = get_object_or_404(ApiToken, pk=pk, user=request.user)
    tokens.revoke(row, by=request.user, at=timezone.now())
    messages.success(request, f"{row.name} opens nothing any more.")
    return HttpResponseRedirect(reverse("api_tokens"))


def _page(request: HttpRequest, form: TokenForm, *, secret: str = "", status: int = 200) -> HttpResponse:
    rows = ApiToken.objects.filter(user=request.user).order_by("-id")[:100]
    context = {"title": "API tokens", "form": form, "secret": secret, "tokens": rows, "now": timezone.now()}
    return render(request, "account/tokens.html", context, status=status)
