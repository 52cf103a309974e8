"""Parcels: what is in them, and who carries them."""

from __future__ import annotations

from enum import Enum

from inventory import Inventory, Item


class Carrier(Enum):
    POST = "post"
    BIKE = "bike"


class Parcel:
    def __init__(self, items: list[Item], carrier: Carrier) -> None:
        self.items = items
        self.carrier = carrier
        self.sent_at: str | None = None

    def mark_sent(self, when: str) -> None:
        self.sent_at = when


def restock(inventory: Inventory, item: Item) -> None:
    """Puts an item that came back into the inventory."""
    inventory.


def is_by_bike(parcel: Parcel) -> bool:
    return parcel.carrier is Carrier.


def send(parcel: Parcel, when: str) -> None:
    """Hands a parcel to its carrier."""
    parcel.
