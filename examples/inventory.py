"""A small shop's inventory: what is in stock, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 0

    def value(self) -> float:
        """What all pieces of this item are worth."""
        return self.price * self.quantity


@dataclass
class Inventory:
    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        self.items.append(item)

    def find(self, name: str) -> Item | None:
        """The first item of that name."""
        for item in self.items:
            if item.name == name:
                return item
        return None

    def total(self) -> float:
        """What everything in stock is worth."""
        return sum(item.value() for item in self.items)
