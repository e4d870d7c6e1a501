from django.urls import include, path

from dealops.accounts import web

urlpatterns = [
    path("login/", web.LoginPage.as_view(), name="account_login"),
    path("persona", web.become, name="persona"),
    path("", include("allauth.urls")),
]
