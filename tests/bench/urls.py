"""The product's addresses, and one page with nothing in it but the frame."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from dealops.urls import *  # noqa: F403
from dealops.urls import urlpatterns as of_the_product
from expansion.web.frame import page, section


@section("deals")
def bare(request: HttpRequest) -> HttpResponse:
    return page(request, "base.html", title="Nothing")


urlpatterns = [path("bench/bare", bare), *of_the_product]
