"""The page of one's own API tokens, below the account."""

from django.urls import path

from dealops.rest import pages

urlpatterns = [
    path("", pages.index, name="api_tokens"),
    path("new", pages.make, name="api_token_make"),
    path("<int:pk>/revoke", pages.revoke, name="api_token_revoke"),
]
