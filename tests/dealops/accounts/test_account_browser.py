"""The pages of one's account in a real browser: a passkey from adding it to signing in with it alone, and no axe violation anywhere."""

import pytest
from allauth.mfa.models import Authenticator

from dealops.accounts.models import Role
from tests.browser import look_at, violations
from tests.dealops.accounts.signing_in import PASSWORD, code_of, somebody

pytestmark = [pytest.mark.browser, pytest.mark.req("F96")]
PAGES = ("/accounts/2fa/", "/accounts/2fa/webauthn/", "/accounts/2fa/recovery-codes/", "/accounts/sessions/", "/accounts/tokens/")


def by_password(page, person):
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def with_virtual_key(page):
    """Chromium's own virtual authenticator: answers as a laptop with a fingerprint reader would."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    return session


def test_a_passkey_is_added_and_then_signs_in_alone(at_site, settings):
    settings.MFA_REQUIRED = True
    ada = somebody(Role.FINANCE)
    # Keys are bound to a name; an address in numbers has none.
    at_site.url = at_site.url.replace("127.0.0.1", "localhost")
    page = at_site.open("/accounts/login/")
    with_virtual_key(page)
    by_password(page, ada)
    page.wait_for_url("**/accounts/2fa/")
    assert "Set up a second factor first" in page.content()
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Sign in with this key alone").check()
    assert violations(page) == []
    page.get_by_role("button", name="Add the key").click()
    page.wait_for_url("**/recovery-codes/")
    assert page.locator(".do-codes li").count() == 10
    assert str(Authenticator.objects.get(user=ada, type="webauthn")) == "Laptop"
    page.goto("/home")
    assert page.get_by_role("heading", level=1).count() == 1
    page.context.clear_cookies()
    page.goto("/accounts/login/?next=/board")
    assert violations(page) == []
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto("/accounts/sessions/")
    assert "This browser" in page.content()
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    by_password(page, ada)
    page.wait_for_url("**/2fa/authenticate/")
    assert violations(page) == []
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.wait_for_url("**/home")


def test_every_page_of_the_account_is_accessible(at_site):
    ada = somebody(Role.FINANCE)
    page = at_site.open("/accounts/login/")
    by_password(page, ada)
    page.wait_for_url("**/home")
    page.goto("/accounts/2fa/totp/activate/")
    look_at(page)
    page.get_by_label("Authenticator code").fill(code_of(page.locator("code.do-secret").inner_text()))
    page.get_by_role("button", name="Switch on the app").click()
    page.wait_for_url("**/recovery-codes/")
    for address in PAGES:
        page.goto(address)
        look_at(page)


def test_a_token_is_shown_once(at_site):
    page = at_site.open("/accounts/login/")
    by_password(page, somebody())
    page.wait_for_url("**/home")
    page.goto("/accounts/tokens/")
    page.get_by_label("What uses it").fill("Warehouse")
    page.get_by_role("checkbox", name="documents").check()
    page.get_by_role("button", name="Make the token").click()
    token = page.locator("#new-token").inner_text()
    assert token.startswith("dlo_")
    assert violations(page) == []
    page.goto("/accounts/tokens/")
    assert token not in page.content()
    page.get_by_role("button", name="Revoke Warehouse").click()
    page.get_by_text("opens nothing any more").wait_for()
