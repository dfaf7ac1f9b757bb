"""What a context needs beside its transaction: the app's code and the deployment's addresses.

Not here: the contexts (``functions/context.py``).
"""

from dataclasses import dataclass

from livefile.functions.app import App


@dataclass(slots=True)
class Origins:
    """Where the deployment is reached: texts such as ``http://127.0.0.1:3210``.

    The server sets them when it listens; without one they are empty.
    """

    cloud: str = ""
    """Where clients connect, upload and download."""

    site: str = ""
    """Where HTTP actions answer."""

    @property
    def variables(self) -> dict[str, str]:
        """The same as environment variables of functions, under the protocol's names."""
        addresses = {"CONVEX_CLOUD_URL": self.cloud, "CONVEX_SITE_URL": self.site}
        return {name: address for name, address in addresses.items() if address}


@dataclass(frozen=True, slots=True)
class Services:
    """The same for all calls of one version of the code."""

    app: App
    origins: Origins
