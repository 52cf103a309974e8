"""The model's thread, seen from the event loop: the newest request wins, and an idle model gives its memory back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from fakes import ByteModel, request

from assistant.engine import Assistant
from assistant.errors import Cancelled
from assistant.settings import Settings
from assistant.worker import Worker

PATIENCE = 20.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker(Assistant(ByteModel("f(y)\n"), Settings()), idle=60)
    yield worker
    worker.close()


async def test_it_answers(worker):
    answer = await worker.complete(request("x = ‸"))
    assert [completion.text for completion in answer.completions] == ["f(y)"]


async def test_the_newest_request_wins_and_the_others_cost_nothing_more(worker):
    model = worker.assistant.model
    model.pause()
    requests = [request(f"x{number} = ‸") for number in range(5)]
    running = asyncio.create_task(worker.complete(requests[0]))
    await until(model.reading.is_set)
    waiting = [asyncio.create_task(worker.complete(each)) for each in requests[1:]]
    await asyncio.sleep(0)
    model.resume()
    results = await asyncio.wait_for(asyncio.gather(running, *waiting, return_exceptions=True), PATIENCE)
    assert [type(result) for result in results[:-1]] == [Cancelled] * 4
    assert results[-1].completions[0].text == "f(y)"
    assert model.evaluated < 2 * len(results[-1].prompt.tokens)


async def test_a_caller_that_goes_away_stops_the_model(worker):
    model = worker.assistant.model
    model.pause()
    running = asyncio.create_task(worker.complete(request("x = ‸")))
    await until(model.reading.is_set)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    model.resume()
    assert (await worker.complete(request("y = ‸"))).completions[0].text == "f(y)"


async def test_an_idle_model_gives_its_memory_back_and_loads_again():
    model = ByteModel("f(y)\n")
    worker = Worker(Assistant(model, Settings()), idle=0.05)
    await worker.complete(request("x = ‸"))
    assert model.loaded
    await until(lambda: not model.loaded)
    assert (await worker.complete(request("y = ‸"))).completions[0].text == "f(y)"
    worker.close()
    assert not model.loaded
