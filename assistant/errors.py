"""Everything that Ghostwright raises on purpose.

    GhostwrightError
    ├── Cancelled            a newer request won, or the caller went away
    ├── RequestError         the file or the cursor of a request cannot be used
    ├── SettingsError        a settings file or the editor's settings are wrong
    └── ModelError           a model cannot be loaded or run
        ├── NoFillInTheMiddle    it has no fill-in-the-middle tokens
        └── ServerError          a model's server does not answer, or not as it should

Each message names the value that was wrong, what was expected and what to do.
"""


class GhostwrightError(Exception):
    """The root: a sentence for the person who reads it."""


class Cancelled(GhostwrightError):  # noqa: N818 - the field's word; it is a wish, not a fault
    """The work was given up on request."""


class RequestError(GhostwrightError):
    """The file or the position of a request cannot be used."""


class SettingsError(GhostwrightError):
    """A setting is unknown or has a wrong type."""


class ModelError(GhostwrightError):
    """A model cannot be loaded or run."""


class NoFillInTheMiddle(ModelError):  # noqa: N818 - says what is missing
    """The model's vocabulary has no fill-in-the-middle tokens."""


class ServerError(ModelError):
    """A model's server does not answer, or not as it should. Another model may be asked."""
