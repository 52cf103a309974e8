"""The token loop: from a prompt to what the model writes, and where that ends."""
