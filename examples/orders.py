"""Orders: who wants which items, and what they cost."""

from inventory import Inventory, Item


class Customer:
    def __init__(self, name: str, address: str, country: str) -> None:
        


class Position:
    def __init__(self, item: Item, quantity: int) -> None:
        self.item = item
        self.quantity = quantity

    def price(self) -> float:
        return self.item.price * self.

    def is_available(self, inventory: Inventory) -> bool:
        found = inventory.find(self.item.name)
        return found is not None and found.quantity >= self.quantity
