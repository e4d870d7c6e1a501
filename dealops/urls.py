"""The roof: which address belongs to which floor."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from dealops import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="home"), name="root"),
    path("health/live", health.live, name="health_live"),
    path("health/serving", health.serving, name="health_serving"),
    path("health/ready", health.ready, name="health_ready"),
    path("accounts/tokens/", include("dealops.rest.urls")),
    path("accounts/", include("dealops.accounts.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("dealops.api")),
    path("", include("expansion.web.urls")),
]

handler400 = "dealops.problems.bad_request"
handler403 = "dealops.problems.permission_denied"
handler404 = "dealops.problems.not_found"
handler500 = "dealops.problems.server_error"
handler429 = "dealops.problems.too_many_requests"
