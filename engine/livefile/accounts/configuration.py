"""``Accounts``: that and how a deployment signs users in itself, as its app says.

Not here: the ways in (``methods.py``).
"""

from typing import Any, TypeVar
from urllib.parse import urlsplit

from livefile.accounts.methods import Anonymous, EmailCode, Method, OAuth, Password
from livefile.functions.auth_config import OidcProvider, OwnIssuer
from livefile.functions.definition import Function
from livefile.vocabulary.errors import BadRequestError, DefinitionError

M = TypeVar("M", Password, Anonymous, EmailCode)


class Accounts(OwnIssuer):
    """The deployment as an issuer: for ``AuthConfig``, beside other issuers or alone.

    ``issuer`` is the address at which the world reaches the deployment, such as
    ``https://notes.example``. It is needed only where somebody else checks its tokens; without one
    they name an issuer that is no address, the same for as long as the file lives. Changing it
    changes every ``tokenIdentifier``. ``return_to`` are the addresses of pages to which a sign-in
    elsewhere may come back, beside those of the deployment's own address.
    """

    def __init__(
        self, *methods: Method, issuer: str | None = None, return_to: tuple[str, ...] = ()
    ) -> None:
        """Take the ways in; at most one of each kind, and OAuth issuers by different names."""
        if not methods:
            raise DefinitionError("Accounts takes one way to sign in at least, such as Password()")
        names: set[str] = set()
        for method in methods:
            if not isinstance(method, Password | Anonymous | EmailCode | OAuth):
                raise DefinitionError(
                    "Accounts takes Password, Anonymous, EmailCode and OAuth, not "
                    f"{type(method).__name__}"
                )
            name = method.name if isinstance(method, OAuth) else type(method).__name__
            if name in names:
                raise DefinitionError(f"Accounts has {name} twice")
            names.add(name)
        self.methods = methods
        self.issuer = None
        if issuer is not None:
            self.issuer = OidcProvider(domain=issuer, application_id="convex").issuer
        self.return_to = tuple(_origin(address) for address in return_to)

    @property
    def functions(self) -> tuple[Function[..., Any], ...]:
        """The app's functions that it calls."""
        sender = self.find(EmailCode)
        return () if sender is None or sender.send is None else (sender.send,)

    def find(self, kind: type[M]) -> M | None:
        """Return the way of a kind, None if the app does not offer it."""
        return next((method for method in self.methods if isinstance(method, kind)), None)

    def require(self, kind: type[M]) -> M:
        """Return the way of a kind.

        Raises:
            BadRequestError: the app does not offer it.
        """
        found = self.find(kind)
        if found is None:
            raise not_offered(kind.__name__)
        return found

    def require_oauth(self, name: str) -> OAuth:
        """Return the issuer that pages call ``name``.

        Raises:
            BadRequestError: the app does not offer it.
        """
        for method in self.methods:
            if isinstance(method, OAuth) and method.name == name:
                return method
        raise not_offered(name)


def not_offered(name: str) -> BadRequestError:
    """Return the error for a way that the app does not offer."""
    return BadRequestError(
        "SignInNotOffered", f"This app does not sign users in by {name[:60]!r}; see auth_config.py"
    )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.netloc or address != origin:
        raise DefinitionError(
            f"return_to must be origins such as https://notes.example, not {address!r}"
        )
    return origin
