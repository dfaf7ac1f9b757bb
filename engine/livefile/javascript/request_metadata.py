"""``ctx.meta.getRequestMetadata()``: whose request a mutation or an action is run for.

Not here: who found that out (the server).
"""

import orjson

from livefile.functions.call import Caller
from livefile.functions.running import current_call


def request_metadata() -> str:
    """Return what the library is told of the request behind the call that runs here, as JSON."""
    running = current_call.get()
    assert running is not None  # Only a call asks.
    running.has_read_caller = True
    caller = running.caller or Caller()
    return orjson.dumps(
        {
            "ip": caller.address,
            "userAgent": caller.user_agent,
            "requestId": running.request_id,
            "scheduledFunctionId": running.parent_job,
            "authToken": caller.auth_token,
        }
    ).decode()
