"""How different servers are asked and what they answer, and expressions as grammars."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from fakes import ByteModel, Names, request
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from remote_shapes import Grammar, llama_server, ollama
from remote_tools import remote, served

from assistant.decoding.expressions import avoiding, behind, one_of, typed
from assistant.engine import Assistant
from assistant.patterns import _Tokens, accepts
from assistant.settings import Settings
from assistant.types import Chunk
from plugins.remote.answers import Chunks, Part, part, prompt_tokens
from plugins.remote.dialects import Ask, Rule, Shape, body
from plugins.remote.grammars import grammar
from plugins.remote.model import RemoteModel
from plugins.remote.tokens import Tokens

FRUITS = {"x.banana(1)\n": 0.6, "x.apple(2)\n": 0.3}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opened(stack: ExitStack, app, **options: str) -> RemoteModel:
    model = remote(stack.enter_context(served(app)), **options)
    stack.callback(model.unload)
    return model


def completed(model: RemoteModel, marked: str) -> list[str]:
    answer = Assistant(model, Settings(), (), [Names({"apple", "cherry"})]).complete(request(marked))
    return [completion.text for completion in answer.completions]


@pytest.mark.parametrize("tells", [True, False])
def test_ollama(stack, tells):
    app = ollama(ByteModel(FRUITS, format="qwen2.5-coder"), tells=tells)
    model = opened(stack, app)
    assert (model.format.name, model.obeys, model.tells) == ("qwen2.5-coder", False, tells)
    assert completed(model, "y = ‸") in ([["x.apple(2)"]] if tells else [["x.apple(2)"], []])
    assert app.state.asked[-1]["raw"]


def test_ollama_with_a_model_of_an_unknown_family(stack):
    app = ollama(ByteModel("x.apple(2)\n", format="qwen2.5-coder"), name="mystery")
    assert completed(opened(stack, app), "y = ‸\nz = 1") == ["x.apple(2)"]
    asked = app.state.asked[-1]
    assert "raw" not in asked
    assert (asked["prompt"].endswith("app.py\ny = "), asked["suffix"]) == (True, "\nz = 1")


def test_llama_server(stack):
    app = llama_server(ByteModel(FRUITS, format="qwen2.5-coder"))
    model = opened(stack, app)
    assert (model.format.name, model.obeys, model.tells) == ("qwen2.5-coder", True, True)
    assert completed(model, "y = ‸") == ["x.apple(2)"]
    assert completed(model, "y = x.app‸") == []
    assert any("grammar" in asked for asked in app.state.asked[4:])


def test_llama_server_that_makes_the_prompts(stack):
    app = llama_server(ByteModel(FRUITS, format="qwen2.5-coder"), name="mystery.gguf", knows=False)
    model = opened(stack, app)
    assert completed(model, "y = ‸\nz = 1") == ["x.apple(2)"]
    asked = app.state.asked[-1]
    assert asked["input_prefix"].endswith("app.py\ny =")
    assert asked["input_suffix"] == "\nz = 1"


# what servers answer


def chunks(*lines: str) -> list[Chunk]:
    made = Chunks()
    return [chunk for line in lines if (found := part(line)) for chunk in made.on(found)]


def event(text: str, tokens=None, finish=None) -> str:
    told = tokens and {"tokens": [*tokens], "token_logprobs": [*tokens.values()], "top_logprobs": None}
    return f"data: {json.dumps({'choices': [{'text': text, 'logprobs': told, 'finish_reason': finish}]})}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([event("a"), event("b")], [("a", None), ("b", None)]),
        ([event("a", {"a": -1}), "data: [DONE]"], [("a", -1)]),
        ([event("ab", {"a": -1, "b": -2})], [("a", -1), ("b", -2)]),
        ([event("", {"a": -1}), event("", {"bc": -2}), event("abc", {})], [("a", -1), ("bc", -2)]),
        ([event("", {"\ufffd": -1}), event("é", {"\ufffd\ufffd": -2})], [("é", -3)]),
        ([event("ab", {"ab\n": -1}, "stop")], [("ab", -1)]),
        ([event("", {}, "stop"), ""], []),
        ([": ping", "event: x", event("a")], [("a", None)]),
        ([event("a\ud800")], [("a?", None)]),
        (["data: " + json.dumps({"choices": [], "usage": {}}), event("a")], [("a", None)]),
    ],
)
def test_answers_become_chunks(lines, expected):
    assert [(chunk.text, chunk.logprob) for chunk in chunks(*lines)] == expected


@pytest.mark.parametrize(
    "line",
    [
        "data: {not json",
        "data: []",
        "data: 1",
        "data: {}",
        'data: {"choices": [{"text": null}]}',
        'data: {"choices": [{"text": 7}]}',
        'data: {"choices": 7}',
        'data: {"choices": [{"text": "a", "logprobs": {"tokens": ["a"]}}]}',
        'data: {"error": {"message": "out of memory"}}',
        "<html>gateway timeout</html>",
    ],
)
def test_what_is_no_answer_is_said(line):
    with pytest.raises(ValueError, match=r"what is no completion|out of memory"):
        part(line)


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_whatever_a_server_says_is_an_answer_or_is_refused(line):
    with suppress(ValueError):
        assert part(line) is None or isinstance(part(line), Part)


def test_a_rule_goes_into_the_field_that_a_server_knows():
    ask = Ask("m", "p", tokens=5, expression="ab")
    assert body(Shape.COMPLETIONS, Rule.STRUCTURED, ask)["structured_outputs"] == {"regex": "ab"}
    assert body(Shape.COMPLETIONS, Rule.GUIDED, ask)["guided_regex"] == "ab"
    assert body(Shape.COMPLETIONS, Rule.GRAMMAR, ask)["grammar"] == 'root ::= "a" "b"\n'
    assert not {"grammar", "guided_regex"} & set(body(Shape.COMPLETIONS, Rule.NONE, ask))


@pytest.mark.parametrize(
    ("rule", "prompt"), [(Rule.STRUCTURED, "<s>[SUFFIX]b[PREFIX]a"), (Rule.GRAMMAR, "[SUFFIX]b[PREFIX]a")]
)
def test_a_prompt_begins_once(rule, prompt):
    """vLLM is told to add nothing, others add the first token by themselves."""
    asked = body(Shape.COMPLETIONS, rule, Ask("m", "<s>[SUFFIX]b[PREFIX]", written="a"))
    assert asked["prompt"] == prompt
    assert asked.get("add_special_tokens", True) == (rule is Rule.GRAMMAR)


# grammars

NAMES = st.frozensets(st.text('abé_-^]"\\.', min_size=1, max_size=4), min_size=1, max_size=5)


def derives(text: str, pattern: str) -> bool:
    pieces = [*(bytes([byte]) for byte in range(256)), b""]
    tokenizer = LLTokenizer(TokenizerWrapper(_Tokens(pieces, 256)), slices=[])
    matcher = LLMatcher(tokenizer, Grammar.compiled(pattern))
    assert not matcher.is_error(), matcher.get_error()
    data = list(text.encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


@settings(deadline=None, max_examples=80)
@given(
    NAMES,
    st.text('abé_-^]"\\. \n', max_size=6),
    st.sampled_from([one_of, avoiding, lambda names: behind(".", one_of(names))]),
)
def test_a_grammar_says_what_the_expression_says(names, text, made):
    pattern = made(names)
    assert derives(text, grammar(pattern)) == accepts(pattern, text)


@pytest.mark.parametrize("pattern", ["[0-9]{2}", "[0-9]{2,}x?", "a+|b*", r"\d\w", "[^a-c]", r"[^\s]", "(a|bc)+d", ""])
@pytest.mark.parametrize("text", ["", "12", "123x", "aa", "b", "d", "abcd", "x", " ", "7_"])
def test_strangers_expressions_become_grammars(pattern, text):
    assert derives(text, grammar(pattern)) == accepts(pattern, text)


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"^a", r"(a)\1", "a{", "[", r"[^\D]"])
def test_what_has_no_grammar_is_said(pattern):
    with pytest.raises(ValueError, match="grammar"):
        grammar(pattern + "(")


def test_llama_cpp_reads_the_grammars():
    import llama_cpp

    for pattern in (typed(".x", one_of({f"name_{number}" for number in range(300)})), avoiding({"a-b", "é", '"'})):
        llama_cpp.LlamaGrammar.from_string(grammar(pattern), verbose=False)


# tokens of our own


@settings(max_examples=100)
@given(st.text())
def test_a_text_is_made_of_its_tokens(text):
    tokens = Tokens()
    assert b"".join(tokens.pieces[token] for token in tokens.of(text)).decode() == text.encode().decode()


def test_there_are_more_of_them_than_a_small_vocabulary_needs():
    from plugins.llama_cpp import WEIGHTS, LlamaCpp

    model, tokens = LlamaCpp(WEIGHTS), Tokens()
    for path in ("assistant/engine.py", "tests/fakes.py", "README.md", "vscode-extension/src/settings.ts"):
        text = open(path, encoding="utf-8").read()  # noqa: SIM115
        assert len(tokens.of(text)) > len(model.tokenize(text))


@pytest.mark.parametrize(
    ("prompt", "told", "expected"),
    [
        ("x = 1", ["x", " =", " 1", "\n"], ["x", " =", " 1"]),
        ("x = 1", ["<s>", "x", " =", " 1"], ["x", " =", " 1"]),
        ("'é' + 1", ["'", "", "", "'", " +", " 1"], ["'", "é", "'", " +", " 1"]),
        ("'é' + 1", ["'", "\ufffd", "\ufffd", "'", " +", " 1"], ["'", "é", "'", " +", " 1"]),
        ("'é' + 1", ["'", "", "é", "'", " +", " 1"], ["'", "é", "'", " +", " 1"]),
        ("x = 'é", ["x", " =", " '", "", ""], ["x", " =", " '", "é"]),
        ("é = 1", ["\ufffd", "\ufffd", " =", " 1", "\n"], ["é", " =", " 1"]),
        ("x = 1", ["x"], []),
        ("x = 1", [], []),
        ("", ["x"], []),
    ],
)
def test_a_prompt_is_scored_token_by_token_and_parts_of_characters_as_one(prompt, told, expected):
    tokens = tuple(Chunk(text, -1.0) for text in told)
    written = prompt_tokens(prompt, Part(f"{prompt}\n", tokens))
    assert [chunk.text for chunk in written] == expected
    if expected:
        assert sum(chunk.logprob for chunk in written) == -len([text for text in told if text not in ("<s>", "\n")])


def test_what_a_server_does_not_echo_is_not_scored():
    assert prompt_tokens("x = 1", Part("y = 1", (Chunk("y", -1.0), Chunk(" =", -1.0), Chunk(" 1", -1.0)))) == []
