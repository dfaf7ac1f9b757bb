"""Showing the admin key of a deployment, once."""

import click

from livefile_server.auth.keys import AdminKeys
from livefile_server.web.app import DEFAULT_INSTANCE_NAME


def show_new_admin_key(keys: AdminKeys) -> None:
    """Make and print the admin key if the deployment has none yet."""
    key = keys.make(DEFAULT_INSTANCE_NAME)
    if key is not None:
        click.echo(f"Admin key, shown this once and kept only as a hash: {key}", err=True)
