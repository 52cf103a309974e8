"""Fits the encoder: word vectors, the words' weights, and the attention over a definition's blocks.

InfoNCE with a learnt temperature (van den Oord et al. 2018), negatives from the batch, parts of it of one package, and
hard ones: what the encoder of the epoch before confuses with the answer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from retrieval.training.bags import Corpus, Numbers, ranks
from retrieval.training.tower import Tower

HARDEST = 10
"""One of so many definitions that come first in the package of the question, and are not its answer, is a negative."""
BACKWARDS = 0.3
"""How much it counts, beside finding the definition of a question, to find the question of a definition."""


@dataclass(frozen=True, slots=True)
class Recipe:
    epochs: int = 6
    batch: int = 1024
    together: int = 128
    """How many questions of one package are next to each other in a batch."""
    rate: float = 2e-3
    calls: float = 0.15
    """The share of questions that are what stands before a call."""
    hard: bool = True
    """Whether there are hard negatives, from the second epoch on."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    number: int
    seconds: float
    """Since the beginning, measuring left out."""
    loss: float | None
    """In nats, the mean over the epoch; None before the first."""
    mrr: float
    """Of docstrings of packages that are held out."""


def fit(
    tower: Tower, corpus: Corpus, recipe: Recipe, held_out: Corpus, parameters: Iterable[nn.Parameter] | None = None
) -> Iterator[Epoch]:
    """Yields after each epoch. With `parameters`, only these change."""
    torch.manual_seed(recipe.seed)
    chance = np.random.default_rng(recipe.seed)
    optimizer = torch.optim.Adam(parameters or tower.parameters(), lr=recipe.rate, betas=(0.9, 0.98), fused=True)
    steps = max(1, recipe.epochs * sum(1 for _ in _batches(corpus, recipe, np.random.default_rng(0))))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, 10 * (step + 1) / steps) * max(0.02, 1 - step / steps)
    )
    seconds = 0.0
    for number in range(recipe.epochs):
        begin, losses = time.monotonic(), []
        hard = _hard(tower, corpus, chance) if number and recipe.hard else None
        tower.train()
        for batch in _batches(corpus, recipe, chance):
            optimizer.zero_grad()
            loss = _loss(tower, corpus, batch, hard[batch] if hard is not None else None)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seconds += time.monotonic() - begin
        yield Epoch(number + 1, seconds, float(np.mean(losses)), mrr(tower, held_out))


def fit_head(tower: Tower, head: str, corpus: Corpus, recipe: Recipe, held_out: Corpus) -> Iterator[Epoch]:
    """Fits an attention that was not trained with the vectors to them as they are, in one epoch."""
    trained = tower.pooling
    tower.requires_grad_(False)
    tower.heads[head].requires_grad_(True)
    tower.pooling = head
    yield from fit(tower, corpus, replace(recipe, epochs=1), held_out, list(tower.heads[head].parameters()))
    tower.pooling = trained
    tower.requires_grad_(True)


def mrr(tower: Tower, corpus: Corpus) -> float:
    """The mean reciprocal rank of the definitions that docstrings were taken from, among all of the corpus."""
    questions, definitions = (each.cpu().numpy() for each in _vectors(tower, corpus))
    rows = np.flatnonzero(~corpus.is_call)
    return float(np.mean(1 / ranks(questions[rows], definitions, corpus.answers[rows])))


def _batches(corpus: Corpus, recipe: Recipe, chance: np.random.Generator) -> Iterator[Numbers]:
    """Questions, runs of which are from one package; of the calls as many as the recipe says."""
    docstrings, calls = np.flatnonzero(~corpus.is_call), np.flatnonzero(corpus.is_call)
    count = int(len(docstrings) * recipe.calls / (1 - recipe.calls))
    chosen = np.concatenate([docstrings, chance.permutation(calls)[:count]])
    runs: list[Numbers] = []
    for package in np.unique(corpus.asked_in[chosen]):
        own = chance.permutation(chosen[corpus.asked_in[chosen] == package])
        runs += [own[start : start + recipe.together] for start in range(0, len(own), recipe.together)]
    order = np.concatenate([runs[number] for number in chance.permutation(len(runs))])
    size = min(recipe.batch, len(order))
    yield from (order[start : start + size] for start in range(0, len(order) - size + 1, size))


def _loss(tower: Tower, corpus: Corpus, batch: Numbers, hard: Numbers | None) -> Tensor:
    answers, count = corpus.answers[batch], len(batch)
    candidates = answers if hard is None else np.concatenate([answers, hard])
    questions, definitions = tower.questions(corpus.questions.take(batch)), tower.definitions(corpus, candidates)
    scores = questions @ definitions.T * torch.exp(tower.sharpness.clamp(max=math.log(100)))
    also_right = candidates[None, :] == answers[:, None]
    also_right[:, :count] |= corpus.same[batch][None, :] == corpus.same[batch][:, None]
    np.fill_diagonal(also_right, False)
    scores = scores.masked_fill(torch.from_numpy(also_right).to(scores.device), -1e9)
    wanted = torch.arange(count, device=scores.device)
    there, back = functional.cross_entropy(scores, wanted), functional.cross_entropy(scores[:, :count].T, wanted)
    return (there + BACKWARDS * back) / (1 + BACKWARDS)


@torch.no_grad()
def _vectors(tower: Tower, corpus: Corpus) -> tuple[Tensor, Tensor]:
    """Of all questions and all definitions."""
    tower.eval()
    questions = [tower.questions(corpus.questions.take(rows)) for rows in _pieces(len(corpus.questions))]
    definitions = [tower.definitions(corpus, rows) for rows in _pieces(corpus.definitions)]
    return torch.cat(questions), torch.cat(definitions)


def _pieces(count: int, size: int = 2048) -> Iterator[Numbers]:
    yield from (np.arange(start, min(start + size, count)) for start in range(0, count, size))


@torch.no_grad()
def _hard(tower: Tower, corpus: Corpus, chance: np.random.Generator) -> Numbers:
    """int64[questions]: what each is easily answered with; the answer itself where its package has no other."""
    questions, definitions = _vectors(tower, corpus)
    found = corpus.answers.copy()
    for package, (start, end) in enumerate(zip(corpus.packages[:-1], corpus.packages[1:], strict=True)):
        rows = np.flatnonzero(corpus.asked_in == package)
        count = min(HARDEST, int(end - start) - 1)
        for piece in _pieces(len(rows)) if count > 0 else ():
            some = rows[piece]
            scores = questions[torch.from_numpy(some)] @ definitions[start:end].T
            scores[torch.arange(len(some)), torch.from_numpy(corpus.answers[some] - start)] = -2.0
            hardest = scores.topk(count, dim=1).indices.cpu().numpy()
            found[some] = start + hardest[np.arange(len(some)), chance.integers(count, size=len(some))]
    return found
