"""An app that schedules functions, driven by hand: time passes only when a test says so.

Actions have a thread of their own even then, so a test steps until what it waits for is there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from livefile import ManualClock, Outcome
from tests.stepped_app import SteppedApp, value_of

DIARY = """
    import asyncio
    import datetime
    import threading
    from typing import Any
    from livefile import *

    class Entry(Table, name="entries"):
        text: str

    begun, may_end = threading.Event(), threading.Event()
    runs: list[str] = []
    noted: list[str] = []

    @mutation
    def note(ctx: MutationCtx, text: str) -> None:
        noted.append(text)
        ctx.db.insert(Entry(text=text))

    @mutation
    def note_later(ctx: MutationCtx, text: str, delay: float = 0) -> str:
        return ctx.scheduler.run_after(delay, note, text=text)

    @mutation
    def cancel(ctx: MutationCtx, id: str) -> None:
        ctx.scheduler.cancel(id)

    @mutation
    def fail(ctx: MutationCtx) -> None:
        ctx.db.insert(Entry(text="never"))
        runs.append("fail")
        raise ConvexError("no ink")

    @mutation
    def fail_later(ctx: MutationCtx) -> str:
        return ctx.scheduler.run_after(0, fail)

    @action
    async def dictate(ctx: ActionCtx, text: str) -> None:
        runs.append(text)
        await ctx.run_mutation(note, text=text)

    @action
    async def dictate_and_wait(ctx: ActionCtx) -> None:
        begun.set()
        await asyncio.to_thread(may_end.wait)
        await ctx.scheduler.run_after(0, note, text="by the action")
        await ctx.run_mutation(note_later, text="by its mutation")

    @action
    async def stumble(ctx: ActionCtx) -> None:
        await ctx.scheduler.run_after(0, note, text="before the fall")
        raise ConvexError("fell")

    @mutation
    def dictate_later(ctx: MutationCtx, text: str, delay: float = 0) -> str:
        return ctx.scheduler.run_after(delay, dictate, text=text)

    @mutation
    def wait_later(ctx: MutationCtx) -> str:
        return ctx.scheduler.run_after(0, dictate_and_wait)

    @mutation
    def stumble_later(ctx: MutationCtx) -> str:
        return ctx.scheduler.run_after(0, stumble)

    @query
    def entries(ctx: QueryCtx) -> list[str]:
        return [entry.text for entry in ctx.db.query(Entry)]

    @query
    def jobs(ctx: QueryCtx) -> list[dict[str, Any]]:
        return ctx.db.system.query("_scheduled_functions").collect()

    @query
    def job(ctx: QueryCtx, id: str) -> dict[str, Any] | None:
        return ctx.db.system.get(id)
"""

# More than any chain of a mutation, its job and what that schedules has.
_STEPS_COUNT = 12


class ScheduledApp(SteppedApp):
    """The diary, and maybe more code behind it."""

    def __init__(
        self,
        folder: Path,
        more: str = "",
        *,
        path: Path | str = ":memory:",
        clock: ManualClock | None = None,
    ) -> None:
        super().__init__(folder, {"diary": DIARY + more}, path=path, clock=clock)
        self.module: dict[str, Any] = self.app.functions["diary:note"].body.__globals__

    def __enter__(self) -> "ScheduledApp":
        return self

    def do(self, name: str, **args: Any) -> Any:
        """Run a mutation of the diary and return its result."""
        return value_of(self.mutate(f"diary:{name}", **args))

    def ask(self, name: str, **args: Any) -> Any:
        """Run a query of the diary and return its result."""
        return value_of(self.query(f"diary:{name}", **args))

    def attempt(self, name: str, **args: Any) -> Outcome:
        """Run a mutation of the diary that may fail."""
        return self.mutate(f"diary:{name}", **args)

    @property
    def entries(self) -> list[str]:
        found: list[str] = self.ask("entries")
        return found

    def state(self, id: str) -> Any:
        """Return the state of a scheduled function, without what an action's has beside it."""
        state = self.ask("job", id=id)["state"]
        return {name: item for name, item in state.items() if not name.endswith("Id")}

    def settle(self) -> None:
        """Do all that is due now, but for actions."""
        for _ in range(_STEPS_COUNT):
            self.step()

    def advance(self, duration_s: float) -> None:
        """Let time pass, and do what is due then."""
        self.clock.advance_ms(duration_s * 1000)
        self.settle()

    def step_until(self, is_over: Callable[[], bool]) -> None:
        """Take steps until something has come about; a test that hangs is ended by its limit."""
        while not is_over():
            self.step()
