"""Does the log still hold? Every entry, every chain, every anchor (M27, F98)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from dealops.audit import signing
from dealops.audit.models import Anchor, Chain, Entry
from dealops.audit.queries import broken_entries


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that does not hold: in which chain, at which entry, and what is wrong with it."""

    chain: str
    sequence: int
    words: str

    def __str__(self) -> str:
        return f"{self.chain}: entry {self.sequence} {self.words}"


def broken() -> Iterator[Broken]:
    """Everything that does not hold, chain by chain. Reads the whole log, in portions."""
    for chain in Chain.objects.order_by("name"):
        for sequence, words in broken_entries(chain):
            yield Broken(chain.name, sequence, words)
        yield from _broken_anchors(chain)


@dataclass(frozen=True, slots=True)
class Portion:
    """What a part of the log came to. `next` is where the following part begins: the name of a chain and the entry read last."""

    found: list[Broken]
    read: int
    next: tuple[str, int] | None


def portion(chains: QuerySet[Chain], *, after: tuple[str, int] = ("", 0), most: int) -> Portion:
    """At most `most` entries of these chains from `after` on, in the order of their names; with each chain's end, its anchors."""
    found, read = list[Broken](), 0
    for chain in chains.filter(name__gte=after[0]).order_by("name"):
        start = after[1] if chain.name == after[0] else 0
        rest = chain.entries.filter(sequence__gt=start).order_by("sequence")
        last = rest.values_list("sequence", flat=True)[most - read - 1 : most - read].first()
        found += [Broken(chain.name, sequence, words) for sequence, words in broken_entries(chain, after=start, upto=last)]
        if last is not None:
            return Portion(found, most, (chain.name, last))
        read += rest.count()
        found += _broken_anchors(chain)
    return Portion(found, read, None)


def _broken_anchors(chain: Chain) -> Iterator[Broken]:
    """Anchors that are forged, or that the chain as it is now contradicts: a log rewritten from some entry on has other hashes."""
    key = signing.public_key()
    for anchor in Anchor.objects.filter(chain=chain).select_related("chain").order_by("day"):
        if not signing.holds(anchor.facts(), anchor.signature, key):
            yield Broken(chain.name, anchor.sequence, f"is anchored on {anchor.day} with a signature that does not hold")
            continue
        now = Entry.objects.filter(chain=chain, sequence=anchor.sequence).values_list("hash", flat=True).first()
        if now != anchor.hash:
            yield Broken(
                chain.name, anchor.sequence, f"is not what was anchored on {anchor.day}: the log was rewritten up to it or before it"
            )
