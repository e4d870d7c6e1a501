"""The accounting port on QuickBooks Online: a thin client of our own on requests, and a stand-in server for developers and tests."""

from billing.adapters.accounting.quickbooks.adapter import QuickBooksAccounting, build
from billing.adapters.accounting.quickbooks.config import QuickBooksConfig

__all__ = ["QuickBooksAccounting", "QuickBooksConfig", "build"]
