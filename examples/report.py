"""Prints what an inventory holds."""

from inventory import Inventory, Item


def summary(inventory: Inventory) -> str:
    lines = []
    for item in inventory.items:
        lines.append(f"{item.name}: {item.quantity} at {item.price}")
    return "\n".join(lines)


def most_valuable(inventory: Inventory) -> Item | None:
    """The item whose pieces are worth most."""
