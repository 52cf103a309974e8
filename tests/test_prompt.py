"""What the model reads: within its budget, and the same from key to key."""

from __future__ import annotations

import itertools
import re

import pytest
from fakes import ByteModel, request
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.prompt import ANCHOR, Budget, build, visible_suffix
from assistant.types import Prompt, Snippet

BUDGET = Budget.of(1024)
CODE = "".join(f"def function_{number}(argument):\n    return argument + {number}\n\n\n" for number in range(400))


class WordModel(ByteModel):
    """Its tokens are words with the blank before them, as those of a real tokenizer: a longer text merges anew."""

    def tokenize(self, text):
        return [1000 + hash(word) % 10**9 for word in re.findall(r" ?\w+|\s+|[^\w\s]", text)]


def prompt(marked: str, snippets=(), budget: Budget = BUDGET, model=None, **fields) -> Prompt:
    return build(request(marked, **fields), snippets, model or ByteModel(), budget)


def text_of(built: Prompt, source: str) -> str:
    return "".join(part.text for part in built.parts if part.source == source)


def snippet(path: str, size: int, score: float = 0.5) -> Snippet:
    return Snippet("x" * (size - 1) + "\n", score, "open_files", path)


def common(first, second) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(first), len(second)))


@pytest.mark.parametrize(
    "marked",
    [
        "‸",
        "‸" + CODE,
        CODE + "‸",
        CODE + "‸" + CODE,
        "x" * 1_000_000 + "‸",
        "‸" + "x" * 1_000_000,
        "x" * 500_000 + "‸" + "x" * 500_000,
        CODE * 100 + "‸" + CODE,
        "😀" * 5_000 + "‸" + "😀" * 5_000,
        "\n" * 5_000 + "‸" + "\n" * 5_000,
        "\r\n" * 5_000 + "‸" + "\r\n" * 5_000,
    ],
    ids=[
        "empty",
        "top",
        "bottom",
        "middle",
        "long line",
        "long suffix",
        "in a long line",
        "large",
        "😀",
        "\\n",
        "\\r\\n",
    ],
)
def test_a_prompt_keeps_to_its_budget(marked):
    built = prompt(marked, [snippet("a.py", 300), snippet("b.py", 300)])
    assert len(built.tokens) <= BUDGET.total
    assert sum(part.tokens for part in built.parts) == len(built.tokens)


@settings(max_examples=40, deadline=None)
@given(
    st.text("ab \n\r\té😀", max_size=3000),
    st.text("ab \n\r)é😀", max_size=3000),
    st.integers(300, 2000),
    st.sampled_from(["app.py", "deep/" * 60 + "app.py"]),
)
def test_a_prompt_keeps_to_any_budget_for_any_text(before, after, total, path):
    built = prompt(before + "‸" + after, [snippet("a.py", 200)], Budget.of(total), path=path)
    assert len(built.tokens) <= total


def test_a_long_prefix_uses_most_of_its_room_and_begins_with_a_line():
    built = prompt(CODE + "x = ‸", budget=Budget.of(2048))
    prefix = text_of(built, "prefix")
    assert len(built.tokens) > 0.7 * 2048
    assert (CODE + "x = ").endswith("\n" + prefix)


def test_what_does_not_fit_is_named():
    built = prompt(CODE + "‸", [snippet("good.py", 300), snippet("large.py", 5_000)])
    assert "open_files" in {part.source for part in built.parts}
    assert any(re.match(r"large\.py \(open_files\): no room", reason) for reason in built.left_out)
    assert any(re.match(r"the first \d+ characters of app\.py", reason) for reason in built.left_out)


def test_nothing_is_left_out_of_a_small_file():
    assert prompt("a = 1\r\nb = ‸\r\n", [snippet("a.py", 20)]).left_out == ()


def test_a_smaller_snippet_takes_the_room_that_a_larger_one_cannot_use():
    built = prompt("‸", [snippet("large.py", 5_000, 0.9), snippet("small.py", 50, 0.1)])
    assert "small.py" in text_of(built, "open_files")


def test_the_best_snippet_stands_nearest_to_the_file():
    built = prompt("‸", [snippet("best.py", 50, 0.9), snippet("good.py", 50, 0.5), snippet("fair.py", 50, 0.1)])
    assert re.findall(r"\w+\.py", ByteModel().shown(built.tokens)) == ["fair.py", "good.py", "best.py", "app.py"]


def test_neighbouring_text_of_one_source_is_tokenized_as_one():
    seen: list[str] = []

    class Watched(ByteModel):
        def tokenize(self, text):
            seen.append(text)
            return super().tokenize(text)

    prompt("x‸", [snippet("a.py", 4)], model=Watched())
    assert "app.py\n" in seen
    assert "a.py\nxxx\n" in seen
    assert "\n" not in seen


def test_parts_say_where_the_context_comes_from():
    built = prompt("x = ‸\ny", [snippet("a.py", 4)])
    texts = [(part.source, part.text) for part in built.parts if not part.text.startswith("<|")]
    assert texts == [("open_files", "a.py\nxxx\n"), ("file", "app.py\n"), ("suffix", "\ny"), ("prefix", "x = ")]


def test_the_model_sees_only_line_feeds():
    crlf = [Snippet("a\r\nb\r\n", 0.5, "open_files", "a.py")]
    built = prompt("a\r\nb\rc = ‸\r\nd\r\n", crlf)
    assert "\r" not in ByteModel().shown(built.tokens)
    assert text_of(built, "prefix") == "a\nb\nc = "
    assert text_of(built, "suffix") == "\nd\n"


@pytest.mark.parametrize(
    "model", [ByteModel(), WordModel(), WordModel(format="qwen2.5-coder")], ids=["bytes", "words", "qwen"]
)
@pytest.mark.parametrize("before", [CODE[:9_000], CODE[:9_000].replace("\n", "\r\n")], ids=["LF", "CRLF"])
def test_typing_only_appends_to_the_prompt(model, before):
    typed = "".join(f"value_{number} = compute(value_{number - 1}, {number})\n" for number in range(60))[:2000]
    prompts = [prompt(before + typed[:count] + "‸\nrest\n", model=model).tokens for count in range(1, len(typed), 3)]
    word = 24 if isinstance(model, WordModel) else 4
    tail = 8 if model.format.name == "qwen2.5-coder" else 2
    breaks = sum(common(one, other) < len(one) - word - tail for one, other in itertools.pairwise(prompts))
    assert breaks <= 2000 / 256 + 1


def test_with_room_for_it_the_prefix_jumps_once_in_many_lines():
    before = CODE[:30_000]
    starts = set()
    for count in range(0, 2000, 10):
        built = prompt(before + "x" * (count % 70) + "‸", budget=Budget.of(4096), model=ByteModel(context_length=8192))
        starts.add(text_of(built, "prefix")[:60])
        before = CODE[: 30_000 + count]
    assert len(starts) <= 2000 / ANCHOR + 2


@pytest.mark.parametrize(
    ("typed", "closed"),
    [
        ("print‸\nrest", "print(‸)\nrest"),
        ("x = ‸\nrest", 'x = "‸"\nrest'),
        ("f(‸)\nrest", "f([‸])\nrest"),
        ("f(‸);\nrest", "f(() => {‸});\nrest"),
        ("f‸", "f(‸)"),
        ("f‸\r\nrest", "f(‸)\r\nrest"),
    ],
)
def test_brackets_that_an_editor_closes_do_not_change_the_suffix(typed, closed):
    assert visible_suffix(request(typed)) == visible_suffix(request(closed))


@pytest.mark.parametrize("marked", ["f(‸, b)\n", "x‸ = 1\n", "‸x)\n"])
def test_text_behind_the_cursor_is_shown(marked):
    assert visible_suffix(request(marked)) == request(marked).suffix


def test_a_suffix_is_cut_at_the_end_of_a_line():
    built = prompt("‸\n" + CODE)
    suffix = text_of(built, "suffix")
    assert suffix.endswith("\n")
    assert len(suffix) <= BUDGET.suffix
    assert len(suffix) > BUDGET.suffix // 2


def test_the_budget_goes_to_what_is_worth_most_by_token():
    large, small = snippet("large.py", 120, 0.9), snippet("small.py", 30, 0.6)
    other = snippet("other.py", 40, 0.5)
    built = prompt("‸", [large, small, other], Budget(400, 150, 0))
    assert re.findall(r"\w+\.py", ByteModel().shown(built.tokens)) == ["other.py", "small.py", "app.py"]
    assert [each.split()[0] for each in built.left_out] == ["large.py"]
