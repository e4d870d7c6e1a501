"""A running QuickBooks stand-in for stories, seen the way Ledgerly is seen, so that one story can be told over both."""

import json
import urllib.request
from decimal import Decimal

from billing.adapters.accounting.quickbooks.stand_in import StandIn

# What the stories call a call to Ledgerly -> what the stand-in calls the same.
ENTITIES = {"Invoices": "invoice", "RepeatingInvoices": "recurringtransaction", "CreditNotes": "creditmemo", "Contacts": "customer"}
ACTS = {"PUT": "create", "POST": "delete", "GET": "read", "write": "write", "*": "*"}


class QuickBooksBooks:
    """The same questions as `Books` of the scenarios' conftest answers for Ledgerly."""

    def __init__(self, folder, *, realm):
        self.server = StandIn(folder, realm=realm).start()
        self.url = self.server.url

    def state(self):
        held = self._get("/stand-in/state")
        memos = {row["Id"]: [] for row in held["creditmemo"]}
        for payment in held["payment"]:
            for line in payment["Line"]:
                linked = line["LinkedTxn"][0]
                if linked["TxnType"] == "CreditMemo":
                    memos[linked["TxnId"]].append({"amount": line["Amount"]})
        return {
            "invoices": [_document(row, "invoice") for row in held["invoice"]],
            "credit_notes": [_document(row, "credit_note") | {"allocations": memos[row["Id"]]} for row in held["creditmemo"]],
            "templates": [_template(row) for row in held["recurringtransaction"]],
            "contacts": held["customer"],
            "faults": held["faults"],
            "requests": held["requests"],
        }

    def invoices(self, reference=None):
        return [d for d in self.state()["invoices"] if reference in (None, d["reference"])]

    def live_templates(self, reference):
        return [t for t in self.state()["templates"] if t["reference"] == reference]

    def fault(self, kind, times=1, *, method="write", path="*", seconds=1):
        entity = ENTITIES.get(path.strip("/*"), "*")
        self._post("/stand-in/faults", {"kind": kind, "times": times, "entity": entity, "act": ACTS[method], "seconds": seconds})

    def post(self, path, body):
        """Orders the stories give Ledgerly's panel."""
        return self._post(path.replace("/ledgerly/", "/stand-in/"), body)

    def _post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def _get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.loads(answer.read(), parse_float=str)


def _amounts(row):
    total, tax = Decimal(str(row["TotalAmt"])), Decimal(str(row["TxnTaxDetail"]["TotalTax"]))
    return {"net": str(total - tax), "tax": str(tax), "total": str(total)}


def _document(row, kind):
    return _amounts(row) | {
        "id": row["Id"],
        "kind": kind,
        "number": row["DocNumber"],
        "label": row["DocNumber"],
        "reference": row.get("PrivateNote", ""),
        "date": row["TxnDate"],
        "status": "PAID" if not float(row["Balance"]) else "AUTHORISED",
        "template_id": row.get("RecurDataRef", {}).get("value"),
    }


def _template(row):
    return _amounts(row) | {
        "id": row["Id"],
        "reference": row["PrivateNote"],
        "status": "AUTHORISED",
        "next_date": row["RecurringInfo"]["ScheduleInfo"]["NextDate"],
    }
