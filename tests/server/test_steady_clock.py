from livefile import ManualClock
from livefile_server.web.steady_clock import SteadyClock

HOUR_NS = 3600 * 1_000_000_000


def test_a_steady_clock_begins_with_the_time_of_the_machine() -> None:
    machine = ManualClock(now_ns=1_700_000_000_000_000_000)

    assert machine.now_ns() <= SteadyClock(machine).now_ns() < machine.now_ns() + HOUR_NS


def test_a_steady_clock_does_not_follow_a_jump() -> None:
    machine = ManualClock(now_ns=1_700_000_000_000_000_000)
    steady = SteadyClock(machine)
    before = steady.now_ns()

    machine.set_ns(0)
    after_jump_back = steady.now_ns()
    machine.set_ns(2_000_000_000_000_000_000)
    after_jump_forward = steady.now_ns()

    assert before <= after_jump_back <= after_jump_forward < before + HOUR_NS
