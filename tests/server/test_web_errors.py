import logging

import orjson
import pytest

from livefile import LivefileError, errors
from livefile_server.web.errors import INTERNAL_ERROR_MESSAGE, error_response


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadRequestError("BadFormat", "no such format"), 400),
        (errors.UnauthenticatedError("BadAdminKey", "wrong key"), 401),
        (errors.ClosedError("it took too long"), 408),
        (errors.ConflictError("too many conflicts"), 503),
        (errors.LogTrimmedError("too long ago"), 503),
        (errors.OverloadedError("ExecuteFullError", "too many calls"), 503),
        (errors.DiskFullError("no room"), 503),
    ],
)
def test_an_error_that_the_caller_can_act_on_is_told(error: LivefileError, status: int) -> None:
    response = error_response(error)

    assert response.status == status
    assert response.content_type == "application/json"
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {"code": error.code, "message": str(error)}


def test_an_error_inside_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    error = errors.StorageFailedError("disk I/O error in /secret/path")

    with caplog.at_level(logging.ERROR):
        response = error_response(error)

    assert response.status == 500
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {
        "code": "InternalServerError",
        "message": INTERNAL_ERROR_MESSAGE,
    }
    assert "/secret/path" in caplog.text
