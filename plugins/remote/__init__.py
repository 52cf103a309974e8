"""Models that servers run: vLLM, llama-server, TGI, Ollama, LM Studio, or whatever has OpenAI's completions.

Context, monitors, search, ranking and post-processing stay here; a server gets a prompt and says what it would write.

    model.py → pool.py → server.py → dialects.py → grammars.py
    the model  which     what it     how it is
    as such    is asked  writes      asked
                         answers.py, what it answers; traits.py, what it is and can do, as examining.py finds out
                         reasons.py, why it cannot be used
               network.py, the thread on which all of it happens; connections.py, what it goes over
"""

from __future__ import annotations

from assistant.hookspecs import hookimpl
from assistant.settings import REMOTE, Settings
from assistant.types import TextModel
from plugins.remote.model import Address, RemoteModel


@hookimpl
def ghostwright_model(settings: Settings) -> TextModel | None:
    return RemoteModel(Address.parse(settings.model)) if settings.model.startswith(REMOTE) else None
