"""Issued documents: exact and rounded amounts, numbers, credits, currencies, signs, totals, periods (M02, M11 to M14, M22, M30)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from billing.domain.money import UnknownCurrency, places
from billing.domain.periods import billing_periods
from billing.models import Closing, Contract, Document
from billing.queries.closing import summed_up
from billing.queries.invariants.finding import rows

Found = Iterator[tuple[str, str]]


def _places() -> dict[str, object]:
    """Currencies in use and their places, as two arrays for a query."""
    known = {}
    for currency in Document.objects.order_by("currency").values_list("currency", flat=True).distinct():
        with suppress(UnknownCurrency):  # no contract is in one, which M13 says
            known[currency] = places(currency)
    return {"currencies": list(known), "places": list(known.values())}


def rounding_is_explicit() -> Found:
    """M02: every line is its exact fraction rounded once, in the places of its currency."""
    for number, position, net, numerator, denominator in rows(
        """
        SELECT d.number, l.position, l.net, l.exact_numerator, l.exact_denominator
          FROM billing_documentline l
          JOIN billing_document d ON d.id = l.document_id
          JOIN unnest(%(currencies)s::text[], %(places)s::int[]) c(code, places) ON c.code = d.currency
         WHERE l.exact_denominator <= 0
            OR l.net <> round(l.net, c.places)
            OR abs(l.net * l.exact_denominator - l.exact_numerator) * 2 * power(10::numeric, c.places) > l.exact_denominator
         ORDER BY d.number, l.position
        """,
        _places(),
    ):
        yield f"document:{number}", f"line {position} says {net:f}, its exact amount is {numerator:f}/{denominator:f}"


def numbers_have_no_gaps() -> Found:
    """M11: for each legal entity, series and year the numbers are 1 to the last, once each, and of that year."""
    for series, last, issued, highest in rows(
        """
        SELECT e.number_prefix || s.prefix || '-' || s.year, s.last, count(d.id), coalesce(max(d.sequence), 0)
          FROM billing_documentseries s
          JOIN billing_legalentity e ON e.id = s.legal_entity_id
          LEFT JOIN billing_document d ON d.series_id = s.id
         GROUP BY 1, 2, s.id
        HAVING count(d.id) <> s.last OR coalesce(max(d.sequence), 0) <> s.last OR count(DISTINCT d.sequence) <> count(d.id)
            OR min(d.sequence) < 1
        """
    ):
        yield f"series:{series}", f"the last number taken is {last}, but there are {issued} documents up to {highest}"
    for number, written in rows(
        """
        SELECT d.number, w.number
          FROM billing_document d
          JOIN billing_documentseries s ON s.id = d.series_id
          JOIN billing_legalentity e ON e.id = s.legal_entity_id
         CROSS JOIN LATERAL (SELECT lpad(d.sequence::text, greatest(5, length(d.sequence::text)), '0')) n(digits)
         CROSS JOIN LATERAL (SELECT e.number_prefix || s.prefix || '-' || s.year || '-' || n.digits) w(number)
         WHERE d.legal_entity_id <> s.legal_entity_id
            OR extract(year FROM d.issue_date) <> s.year
            OR s.prefix <> CASE d.kind WHEN 'invoice' THEN 'INV' ELSE 'CN' END
            OR d.number <> w.number
        """
    ):
        yield f"document:{number}", f"its number does not fit its series, seller, kind or date; {written} would"


def credits_are_bounded() -> Found:
    """M12: what reduces a billed line, promised credits too, is never more than was billed; a credit note says what it reduces."""
    for number, position, net, tax, credited, credited_tax, promised in rows(
        """
        WITH issued AS (SELECT invoice_line_id AS id, sum(net) AS net, sum(tax) AS tax FROM billing_creditallocation GROUP BY 1),
             agreed AS (SELECT (part->>'line_id')::bigint AS id, sum((part->>'net')::numeric) AS net
                          FROM billing_pendingline, jsonb_array_elements(reduces) part
                         WHERE billed_in_id IS NULL AND withdrawn_by = '' GROUP BY 1)
        SELECT d.number, l.position, l.net, l.tax, coalesce(i.net, 0), coalesce(i.tax, 0), coalesce(a.net, 0)
          FROM billing_documentline l
          JOIN billing_document d ON d.id = l.document_id
          LEFT JOIN issued i ON i.id = l.id
          LEFT JOIN agreed a ON a.id = l.id
         WHERE coalesce(i.net, 0) + coalesce(a.net, 0) > l.net OR coalesce(i.tax, 0) > l.tax
         ORDER BY d.number, l.position
        """
    ):
        words = f"line {position} billed {net:f} and {tax:f} tax; credited are {credited:f} and {credited_tax:f} tax"
        yield f"document:{number}", f"{words}, and {promised:f} more is promised"
    for number, position, net, allocated in rows(
        """
        SELECT d.number, l.position, l.net, coalesce(sum(a.net), 0)
          FROM billing_documentline l
          JOIN billing_document d ON d.id = l.document_id AND d.kind = 'credit_note'
          LEFT JOIN billing_creditallocation a ON a.credit_line_id = l.id
         WHERE l.side = 'credit'
         GROUP BY d.number, l.position, l.net
        HAVING coalesce(sum(a.net), 0) <> l.net
         ORDER BY d.number, l.position
        """
    ):
        yield f"document:{number}", f"line {position} credits {net:f}, but says of {allocated:f} only which billed line it reduces"
    for number, invoice in rows(
        """
        SELECT DISTINCT d.number, o.number
          FROM billing_creditallocation a
          JOIN billing_documentline l ON l.id = a.credit_line_id JOIN billing_document d ON d.id = l.document_id
          JOIN billing_documentline b ON b.id = a.invoice_line_id JOIN billing_document o ON o.id = b.document_id
         WHERE l.side <> 'credit' OR b.side <> 'charge' OR o.contract_id <> d.contract_id
        """
    ):
        yield f"document:{number}", f"reduces {invoice}, where it reduces no charge of its own contract"


def one_currency() -> Found:
    """M13: a contract, its documents and its future invoice share one currency."""
    for subject, currency, contract, wanted in rows(
        """
        SELECT 'document:' || d.number, d.currency, c.number, c.currency
          FROM billing_document d JOIN billing_contract c ON c.id = d.contract_id WHERE d.currency <> c.currency
         UNION ALL
        SELECT 'contract:' || c.number, v.currency, c.number, c.currency
          FROM billing_futureinvoice f JOIN billing_futureinvoiceversion v ON v.id = f.current_id
          JOIN billing_contract c ON c.id = f.contract_id WHERE v.currency <> c.currency
        """
    ):
        yield subject, f"is in {currency}, contract {contract} in {wanted}"


def signs_are_kept() -> Found:
    """M14: amounts, quantities and prices are never negative; the side and the kind say the direction."""
    yield from rows(
        """
        SELECT 'document:' || number, 'its amounts are below zero' FROM billing_document WHERE net < 0 OR tax < 0 OR total < 0
         UNION ALL
        SELECT 'document:' || d.number, 'line ' || l.position || ' is below zero'
          FROM billing_documentline l JOIN billing_document d ON d.id = l.document_id
         WHERE l.net < 0 OR l.tax < 0 OR l.quantity < 0 OR l.unit_price < 0
         UNION ALL
        SELECT 'contract:' || c.number, 'a line has a quantity or a price below zero'
          FROM billing_contractline l JOIN billing_contract c ON c.id = l.contract_id WHERE l.quantity < 0 OR l.unit_price < 0
        """
    )


def totals_add_up() -> Found:
    """M30: a document is the sum of its lines, and a line's tax is its rounded net at its rate."""
    for number, net, tax, lines_net, lines_tax in rows(
        """
        SELECT d.number, d.net, d.tax, sum(s.sign * l.net), sum(s.sign * l.tax)
          FROM billing_document d
          JOIN billing_documentline l ON l.document_id = d.id
         CROSS JOIN LATERAL (SELECT CASE WHEN (d.kind = 'invoice') = (l.side = 'charge') THEN 1 ELSE -1 END) s(sign)
         GROUP BY d.id
        HAVING d.net <> sum(s.sign * l.net) OR d.tax <> sum(s.sign * l.tax) OR d.total <> d.net + d.tax
        """
    ):
        yield f"document:{number}", f"says {net:f} and {tax:f} tax, its lines come to {lines_net:f} and {lines_tax:f}"
    for (number,) in rows(
        "SELECT number FROM billing_document d WHERE NOT EXISTS (SELECT 1 FROM billing_documentline l WHERE l.document_id = d.id)"
    ):
        yield f"document:{number}", "has no line"
    # A credit divided over two invoices shares its tax; each part may then be a minor unit off.
    for number, position, net, rate, tax in rows(
        """
        SELECT d.number, l.position, l.net, coalesce(l.tax_rate, 0), l.tax
          FROM billing_documentline l
          JOIN billing_document d ON d.id = l.document_id
          JOIN unnest(%(currencies)s::text[], %(places)s::int[]) c(code, places) ON c.code = d.currency
         WHERE abs(l.tax - round(l.net * coalesce(l.tax_rate, 0) / 100, c.places))
             > CASE WHEN l.side = 'credit' AND d.origin = 'recurring' THEN power(10::numeric, -c.places) ELSE 0 END
         ORDER BY d.number, l.position
        """,
        _places(),
    ):
        yield f"document:{number}", f"line {position} has {tax:f} tax on {net:f} at {rate:f} %"


def closed_books_stay_closed() -> Found:
    """M21: the documents of closed days are still the same, as many and as much."""
    for closing in Closing.objects.select_related("legal_entity").order_by("pk"):
        count, checksum = summed_up(closing.legal_entity_id, closing.before)
        if (count, checksum) != (closing.documents, closing.checksum):
            words = f"closed before {closing.before} with {closing.documents} documents; now there are {count}"
            yield f"entity:{closing.legal_entity.code}", f"{words}, and their sums differ" if count == closing.documents else words


def periods_tile_the_term() -> Found:
    """M22: recurring invoices are for billing periods of their contract, none twice; slices of a line do not overlap."""
    for number, service_start, contract in rows(
        """
        SELECT number, service_start, name FROM (
            SELECT d.number, d.service_start, c.number AS name,
                   lag(d.service_end) OVER (PARTITION BY d.contract_id ORDER BY d.service_start, d.id) AS before
              FROM billing_document d JOIN billing_contract c ON c.id = d.contract_id
             WHERE d.origin = 'recurring' AND d.kind = 'invoice') seen
         WHERE service_start < before
        """
    ):
        yield f"document:{number}", f"bills {contract} from {service_start}, which an earlier invoice already covers"
    billed: dict[str, list[tuple[str, object, object]]] = {}
    for contract, number, start, end in rows(
        """
        SELECT c.number, d.number, d.service_start, d.service_end
          FROM billing_document d JOIN billing_contract c ON c.id = d.contract_id WHERE d.origin = 'recurring' AND d.kind = 'invoice'
        """
    ):
        billed.setdefault(contract, []).append((number, start, end))
    for contract in Contract.objects.filter(number__in=billed).iterator(chunk_size=2000):
        known = {(p.start, p.end) for p in billing_periods(contract.start, contract.end, contract.months, contract.anchor)}
        for number, start, end in billed[contract.number]:
            if (start, end) not in known:
                yield f"document:{number}", f"is for {start} to {end}, which is no billing period of {contract.number}"
        last = max(end for _, _, end in billed[contract.number])  # type: ignore[type-var]
        if last > contract.billed_until:  # type: ignore[operator]
            yield contract.permalink, f"has invoices up to {last} and counts as billed until {contract.billed_until}"
    for contract, starts in rows(
        """
        SELECT c.number, b.starts
          FROM billing_contractline a
          JOIN billing_contractline b ON b.contract_id = a.contract_id AND b.key = a.key AND b.id <> a.id AND b.removed_in_id IS NULL
               AND b.starts >= a.starts AND b.starts < coalesce(a.ends, 'infinity'::date)
          JOIN billing_contract c ON c.id = a.contract_id
         WHERE a.removed_in_id IS NULL
        """
    ):
        yield f"contract:{contract}", f"two slices of one line hold on {starts}"
