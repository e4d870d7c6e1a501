"""The door to the accounting system: one port, one adapter per product, and Ledgerly, the demo's own server."""
