"""Ledgerly, the demo accounting server: a small real HTTP server that speaks the part of Xero's accounting API dealops uses."""

from billing.adapters.accounting.ledgerly.connection import connection
from billing.adapters.accounting.ledgerly.organisations import DEMO_ORGANISATION, DEMO_ORGANISATIONS, DEMO_TOKEN
from billing.adapters.accounting.ledgerly.server import LedgerlyServer
from billing.adapters.accounting.ledgerly.store import ledgerly_number

__all__ = ["DEMO_ORGANISATION", "DEMO_ORGANISATIONS", "DEMO_TOKEN", "LedgerlyServer", "connection", "ledgerly_number"]
