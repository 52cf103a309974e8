"""Static analysis through language servers. A library of its own: it imports nothing of Ghostwright."""
