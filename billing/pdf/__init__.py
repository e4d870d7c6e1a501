"""Documents as PDF/UA, made by typst from immutable rows; and the same page for what would be issued, marked as a preview."""

from billing.pdf.pages import document_pdf, preview_pdf

__all__ = ["document_pdf", "preview_pdf"]
