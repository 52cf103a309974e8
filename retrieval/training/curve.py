"""How the encoder was trained, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retrieval.training.fitting import Epoch


def plot(curve: Sequence[Epoch], path: Path) -> None:
    """The loss, and the MRR on packages that are held out, by epoch. Needs matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    right = left.twinx()
    numbers = [each.number for each in curve]
    left.plot(
        numbers,
        [float("nan") if each.loss is None else each.loss for each in curve],
        "o-",
        color="tab:gray",
        label="loss, nats",
    )
    right.plot(numbers, [each.mrr for each in curve], "s-", color="tab:blue", label="MRR, held-out packages")
    left.set(xlabel="epoch", ylabel="loss, nats", title=f"{curve[-1].seconds:.0f} s of training")
    right.set(ylabel="MRR", ylim=(0, None))
    left.set_xticks(numbers)
    figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=120)
