"""`python -m assistant`: the same as `ghostwright`."""

from assistant.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
