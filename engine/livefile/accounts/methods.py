"""The ways in which users sign in, as an app chooses them in its ``auth_config.py``.

Not here: what they do (``account_service.py``).
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from livefile.functions.auth_config import OidcProvider
from livefile.functions.definition import ActionFunction
from livefile.vocabulary.errors import DefinitionError
from livefile.vocabulary.limits import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """An e-mail address and a password.

    With ``EmailCode`` beside it an account is made only once a code has proved that the address is
    the user's, and a forgotten password can be replaced.
    """

    length_min: int = PASSWORD_LENGTH_MIN
    """How many characters a new password must have."""

    def __post_init__(self) -> None:
        if not PASSWORD_LENGTH_MIN <= self.length_min <= PASSWORD_LENGTH_MAX:
            raise DefinitionError(
                f"length_min must be from {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX}; "
                f"it is {self.length_min!r}"
            )


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No questions: everybody who asks becomes a user, and may become one with an account later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailCode:
    """A code of some digits that is sent to an e-mail address."""

    send: ActionFunction[[str, str], None] | None = None
    """The app's action that sends an e-mail: ``async def send(ctx, email, code)``, internal.

    Without one, codes can be asked for under ``livefile dev`` only, which prints them.
    """

    def __post_init__(self) -> None:
        if self.send is None:
            return
        if not isinstance(self.send, ActionFunction) or not self.send.is_internal:
            raise DefinitionError(
                "send must be an @internal.action with the arguments email and code; "
                f"it is {self.send!r}"
            )


@dataclass(frozen=True, slots=True)
class OAuth:
    """Another OpenID Connect issuer, such as Google, at which users sign in.

    Its address is called ``<address of the deployment>/api/auth/oauth/callback``.
    """

    name: str
    """What pages call it: ``google``."""

    issuer: str
    """As in its tokens' ``iss``; completed as the domain of an ``OidcProvider``."""

    client_id: str
    """What the issuer calls this app."""

    client_secret: str = field(default="", repr=False)
    """What only the issuer and this app know; an issuer for public clients has none."""

    client_secret_variable: str | None = None
    """The environment variable of the deployment that holds the secret, instead of it."""

    scopes: tuple[str, ...] = ("openid", "email", "profile")
    """What the user is asked to allow."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise DefinitionError(f"an OAuth name must be like google; it is {self.name!r}")
        provider = OidcProvider(domain=self.issuer, application_id=self.client_id)
        object.__setattr__(self, "issuer", provider.issuer)
        if self.client_secret and self.client_secret_variable:
            raise DefinitionError(
                f"OAuth {self.name} takes client_secret or client_secret_variable, not both"
            )
        if "openid" not in self.scopes:
            raise DefinitionError(f"the scopes of OAuth {self.name} must have openid")


Method: TypeAlias = Password | Anonymous | EmailCode | OAuth
