from tests.billing.adapters.accounting.ledgerly_fixture import ledgerly

__all__ = ["ledgerly"]
