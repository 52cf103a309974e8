"""What a repository holds. A library of its own: it imports nothing of Ghostwright."""
