"""Prints what an inventory holds."""

from inventory import Inventory, Item


def line(item: Item) -> str:
    """How one item is shown."""
    return f"{item.name}: {item.quantity} at {item.price}"


def summary(inventory: Inventory) -> str:
    """All items, one to a line."""
    lines = []
    for item in inventory.items:
        lines.app
    return "\n".join(lines)
