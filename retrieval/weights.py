"""What each feature of a ranking counts, in the order of `ranking.FEATURES`; by `benchmarks/fit_ranking.py`."""

from collections.abc import Mapping

WEIGHTS: Mapping[str, tuple[float, ...]] = {
    "member": (
        2, 1, -2, 2, 2, -1, 0.5, 0.2, 0.3, 0.2, 1, 0.5, -0.3, 0.5, 0.2, 0.5, 0.5, 0.3, 0.7, 0.3, 0.5, 0.3, -2, -0.2,
        -3, 0, 0, 0.2, 0, 0.2, 0.5, -1, -1, -0.2, -1,
    ),
    "name": (
        2, 1, -2, 2, 2, -1, 1.5, 1, 0.3, 0.2, 1, 0.5, -0.3, 0.5, 0.2, 0.5, 0.5, 0.3, 0.7, 0.3, 0.5, 0.3, -2, -0.2,
        -3, 1, 0, 0.2, 0, 0.7, 0.5, -1, -1, -0.2, -1,
    ),
}  # fmt: skip
