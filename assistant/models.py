"""The chosen model, the one that stands in for it while its servers do not answer, and what is made of their tokens."""

from __future__ import annotations

from assistant.decoding.vocabulary import Vocabulary
from assistant.errors import ServerError
from assistant.patterns import Masks
from assistant.types import Model, TextModel, writes_text


class Models:
    """A chosen model, first of all, and another one where the first may be out of reach."""

    def __init__(self, chosen: Model | TextModel, stand_in: Model | TextModel | None = None) -> None:
        self.all = (chosen, stand_in) if stand_in else (chosen,)
        self._vocabularies: dict[Model | TextModel, Vocabulary] = {}
        self._masks: dict[Model | TextModel, Masks] = {}

    @property
    def current(self) -> Model | TextModel:
        """The model that is asked now."""
        chosen, last = self.all[0], self.all[-1]
        return last if writes_text(chosen) and not chosen.is_up else chosen

    @property
    def problem(self) -> str:
        """Why the chosen model is not asked now, in sentences; empty if it is."""
        if self.current is self.all[0] or not writes_text(self.all[0]):
            return ""
        return f"{self.all[0].problem} The local model is used."

    def ready(self) -> Model | TextModel:
        """The model that is asked now, loaded. Raises ModelError."""
        model = self.current
        try:
            model.load()
        except ServerError:
            if self.current is model:
                raise
            return self.ready()
        return model

    def vocabulary(self, model: Model | TextModel) -> Vocabulary:
        """A model's tokens."""
        if model not in self._vocabularies:
            self._vocabularies[model] = Vocabulary(model.pieces)
        return self._vocabularies[model]

    def masks(self, model: Model | TextModel) -> Masks:
        """Which of a model's tokens regular expressions allow."""
        if model not in self._masks:
            self._masks[model] = Masks(model.pieces, min(model.ends))
        return self._masks[model]

    def unload(self) -> None:
        """Gives their memory back; they load again when they are needed."""
        for model in self.all:
            model.unload()
