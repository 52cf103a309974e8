"""The headless face: one module per dialect over the same engine.

    connections → boundary → a dialect → service → queue → worker → engine

`boundary` keeps out whoever has no business here, a dialect turns JSON into a request and an answer into JSON, and
`service` is what all dialects share. Only `ghostwright serve` imports this package.
"""
