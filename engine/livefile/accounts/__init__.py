"""Accounts without a vendor: the deployment itself signs users in.

An app names the ways in its ``auth_config.py``: ``AuthConfig(Accounts(Password(), Anonymous()))``.
What a user, a session and a code are is in this folder; tokens and HTTP are the server's.
"""

from livefile.accounts.configuration import Accounts
from livefile.accounts.methods import Anonymous, EmailCode, OAuth, Password

__all__ = ["Accounts", "Anonymous", "EmailCode", "OAuth", "Password"]
