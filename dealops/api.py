"""The roof of the REST API: which resource belongs to which floor, the schema and its page."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from billing.api import views as billing
from expansion.api import motion, offers
from expansion.api import views as expansion

router = SimpleRouter()
router.register("customers", billing.CustomerViews, "customer")
router.register("products", billing.ProductViews, "product")
router.register("contracts", billing.ContractViews, "contract")
router.register("deals", expansion.DealViews, "deal")
router.register("changes", expansion.ChangeViews, "change")
router.register("documents", expansion.DocumentsWithPaper, "document")
router.register("future-invoices", billing.FutureInvoiceViews, "future-invoice")
router.register("postings", billing.PostingViews, "posting")
router.register("handoffs", expansion.HandoffViews, "handoff")
router.register("signals", motion.SignalViews, "signal")
router.register("plays", motion.PlayViews, "play")
router.register("offers", offers.OfferViews, "offer")
router.register("usage", motion.UsageViews, "usage")
router.register("engagement", motion.EngagementViews, "engagement")
router.register("intake", motion.IntakeViews, "intake")

v1 = [path("quotes/", billing.QuoteView.as_view(), name="quote-list"), *router.urls]

urlpatterns = [
    path("v1/", include((v1, "api"))),
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    # The script of the page comes from an address of its own: the content security policy allows none inside the page.
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api_schema"), name="api_docs"),
]
