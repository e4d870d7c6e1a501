"""The pages of signing in and of one's own account. Listed one by one: what is not here, nobody can reach."""

from allauth.account import views as account
from allauth.socialaccount import views as company
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from dealops.accounts import web

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="mfa_index"), name="account_home"),
    path("login/", web.LoginPage.as_view(), name="account_login"),
    path("persona", web.become, name="persona"),
    path("session", web.session, name="account_session"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
    # the company's sign-in
    path("3rdparty/login/cancelled/", company.login_cancelled, name="socialaccount_login_cancelled"),
    path("3rdparty/login/error/", company.login_error, name="socialaccount_login_error"),
    path("3rdparty/signup/", company.signup, name="socialaccount_signup"),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
