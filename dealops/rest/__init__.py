"""How dealops speaks REST, without a word about what it says: strict input, cursor pages, replay-safe writes, the schema."""
