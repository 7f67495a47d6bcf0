"""What can be wrong: with a row (`Fault`), with a script's row (`Thrown`), or with what the oracle was given (`OracleError`)."""


class OracleError(Exception):
    """The project asks for what the language does not define, or for what the oracle cannot know. Never a verdict on the engine."""


class Fault(Exception):
    """Why a row goes to quarantine; the caller knows which field it was computing."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Thrown(Fault):
    """A script's `throw`."""

    def __init__(self, text):
        super().__init__("SCRIPT_THROWN")
        self.text = text
