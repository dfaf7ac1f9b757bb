"""Limits that a function in TypeScript sets those that it calls.

The page of Convex's documentation is "Limits"; ``transactionLimits`` is described in the library.
"""

import pytest

from tests.acceptance.node_client import NodeClient

pytestmark = pytest.mark.node


@pytest.mark.parametrize(
    ("count", "limit", "catches", "told"),
    [
        (3, 5, False, "2"),
        (3, 3, False, "0"),
        (3, 2, False, "uses more documentsWritten than the transactionLimits"),
        (3, 2, True, "uses more documentsWritten than the transactionLimits"),
        (0, -1, False, "transactionLimits are numbers from 0"),
    ],
)
def test_a_call_is_given_limits_of_its_own(
    shared_client: NodeClient, count: int, limit: int, catches: bool, told: str
) -> None:
    # "transactionLimits": absolute for the nested call, never more than those of all.
    topic = f"limits {count} {limit} {catches}"
    args = {"topic": topic, "count": count, "limit": limit, "catches": catches}

    answer = shared_client.call("mutation", path="calls:withLimits", args=args)

    is_within = 0 <= count <= limit
    inside = [str(number) for number in range(count)] if is_within else []
    assert told in answer
    noted = shared_client.call("query", path="notes:list", args={"topic": topic})
    assert noted == ["before", *inside, "after"]
