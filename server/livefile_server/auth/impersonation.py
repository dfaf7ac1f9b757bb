"""An admin who acts as a user: the attributes that come with an admin key.

Both the websocket's ``Authenticate`` and the HTTP header carry them, in the protocol's names.
"""

from collections.abc import Mapping

from livefile import Identity, errors, from_wire


def act_as(admin: Identity, attributes: Mapping[str, object]) -> Identity:
    """Return ``admin`` acting as the user with ``attributes``, which are JSON of the wire.

    Raises:
        BadRequestError: they name no user, or hold something that is no value.
    """
    try:
        values = from_wire(attributes)
    except errors.InvalidValueError as error:
        raise errors.BadRequestError(
            "InvalidUserIdentity", f"Invalid user identity: {error}"
        ) from error
    assert isinstance(values, dict)
    if not isinstance(values.get("tokenIdentifier"), str):
        issuer, subject = values.get("issuer"), values.get("subject")
        if not isinstance(issuer, str) or not isinstance(subject, str):
            raise errors.BadRequestError(
                "InvalidUserIdentity",
                "A user identity needs tokenIdentifier, or both issuer and subject",
            )
        values["tokenIdentifier"] = f"{issuer}|{subject}"
    return Identity(attributes=values, is_admin=admin.is_admin)
