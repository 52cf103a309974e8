"""What encoders raise on purpose."""


class EncoderError(Exception):
    """An encoder cannot be loaded or run; the message says which, why, and what to do."""
