"""Customers, products, contracts, documents, future invoices and postings over REST: read only. The stateless quote."""
