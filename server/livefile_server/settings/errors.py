"""The errors of the server itself, beside those of the engine.

Not here: what the engine raises (the facade of ``livefile``).
"""

from livefile import LivefileError


class ConfigError(LivefileError):
    """An option that cannot be used as given. Nothing was started."""

    code = "InvalidConfig"


class PortTakenError(LivefileError):
    """Another process listens on the address. Nothing was started."""

    code = "PortTaken"


class DeploymentError(LivefileError):
    """A deployment that does not answer, or answers with an error of its own."""

    code = "DeploymentFailed"


class TemplateError(LivefileError):
    """A new project cannot be made as asked. Nothing was written."""

    code = "InvalidTemplate"
