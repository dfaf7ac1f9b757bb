"""The functions of ``conformance/``, pushed once by the official CLI, and clients of them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import connected_client
from tests.acceptance.convex_project import ConvexProject, set_environment
from tests.acceptance.node_client import NodeClient
from tests.acceptance.server_process import ServerProcess
from tests.token_issuer import TokenIssuer, ec_key, key_set

CONFORMANCE = Path(__file__).parent / "conformance"


@pytest.fixture(scope="session")
def issuer() -> TokenIssuer:
    """Who signs the tokens of the conformance project's users."""
    return TokenIssuer(ec_key("conformance"), algorithm="ES256")


@pytest.fixture(scope="session")
def conformance_project(tmp_path_factory: pytest.TempPathFactory) -> ConvexProject:
    """A copy of the project, to be pushed from."""
    return ConvexProject(CONFORMANCE, tmp_path_factory.mktemp("conformance") / "project")


@pytest.fixture(scope="session")
def conformance(
    conformance_project: ConvexProject,
    issuer: TokenIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess]:
    """The deployment, shared by all tests: each keeps to names of its own and stops nothing."""
    folder = tmp_path_factory.mktemp("conformance_deployment")
    with ServerProcess(None, folder) as server:
        jwks = base64.b64encode(key_set(issuer.jwk)).decode()
        set_environment(server, {"AUTH_JWKS": f"data:application/json;base64,{jwks}"})
        conformance_project.push(server)
        yield server


@pytest.fixture(scope="session")
def shared_client(conformance: ServerProcess) -> Iterator[NodeClient]:
    """The npm client for calls; it never signs in."""
    with connected_client(conformance.url) as client:
        yield client


@pytest.fixture
def own_client(conformance: ServerProcess) -> Iterator[NodeClient]:
    """An npm client for one test, which may subscribe and sign in."""
    with connected_client(conformance.url) as client:
        yield client
