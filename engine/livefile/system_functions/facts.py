"""System functions about the deployment as a whole: its addresses, its state, who signs users in.

Not here: its environment variables (``environment.py``) and its code (``modules.py``).
"""

from typing import Any

from livefile.functions.auth_config import CustomJwtProvider, OidcProvider
from livefile.javascript.pushed_app import pushed_part
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    system_query,
)

# Any: JSON trees.


def _cloud_url(request: SystemRequest) -> Any:
    return request.origins.cloud


def _site_url(request: SystemRequest) -> Any:
    return request.origins.site


def _state(request: SystemRequest) -> Any:
    """Return that the deployment runs: one that does not run answers nothing."""
    return {"state": "running"}


def _version(request: SystemRequest) -> Any:
    """Return the version of the library that the pushed code was made with."""
    return pushed_part(request.app).server_version or None


def _node_version(request: SystemRequest) -> Any:
    return pushed_part(request.app).node_version


def _nothing(request: SystemRequest) -> Any:
    """Return None: what is asked for is not kept, or not there."""
    return None


def _none_of_them(request: SystemRequest) -> Any:
    """Return an empty list: what is asked for does not exist here."""
    return []


def _auth_providers(request: SystemRequest) -> Any:
    trees: list[dict[str, Any]] = []
    for provider in request.app.auth_config.providers:
        match provider:
            case OidcProvider():
                trees.append({"domain": provider.domain, "applicationID": provider.application_id})
            case CustomJwtProvider():
                trees.append(
                    {
                        "type": "customJwt",
                        "issuer": provider.issuer,
                        "jwks": provider.jwks,
                        "algorithm": provider.algorithm,
                        "applicationID": provider.application_id,
                    }
                )
    return trees


FACT_FUNCTIONS: dict[str, SystemFunction] = {
    "cli/convexUrl:cloudUrl": system_query(_cloud_url),
    "cli/convexUrl:siteUrl": system_query(_site_url),
    "frontend/convexCloudUrl:default": system_query(_cloud_url),
    "frontend/convexSiteUrl:default": system_query(_site_url),
    "frontend/deploymentState:deploymentState": system_query(_state),
    "frontend/backendState:default": system_query(_state),
    "frontend/getVersion:default": system_query(_version),
    "frontend/node:version": system_query(_node_version),
    "frontend/deploymentEvents:lastPushEvent": system_query(_nothing),
    "frontend/listConfiguredSinks:default": system_query(_none_of_them),
    "frontend/listAuthProviders:default": system_query(_auth_providers),
}
"""By their paths without ``_system/``."""
