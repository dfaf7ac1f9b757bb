from collections.abc import Iterator
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import Any

import pytest

from livefile import (
    ADMIN,
    ANONYMOUS,
    App,
    ArgumentValidationError,
    Call,
    ClosedError,
    ConvexError,
    Failure,
    FunctionError,
    FunctionKind,
    Identity,
    Livefile,
    LivefileError,
    Outcome,
    OverloadedError,
    RequestKey,
    ReturnsValidationError,
    Success,
    WrongFunctionKindError,
)
from tests.app_folder import write_app
from tests.stepped_app import message_of, value_of, values

MAIL = """
    import asyncio
    import contextlib
    import sys
    import threading
    from typing import Any
    from livefile import *

    class Letter(Table, name="letters"):
        text: str
        sender: str = "nobody"

    is_there, may_go_on = threading.Event(), threading.Event()
    is_blocking, may_write = threading.Event(), threading.Event()
    left_behind = []

    @query
    def count(ctx: QueryCtx) -> int:
        return len(ctx.db.query(Letter).collect())

    @query
    def get(ctx: QueryCtx, id: Id[Letter]) -> Letter | None:
        return ctx.db.get(id)

    @internal.mutation
    def write(ctx: MutationCtx, text: str) -> Id[Letter]:
        identity = ctx.auth.get_user_identity()
        sender = "nobody" if identity is None else str(identity["subject"])
        if text == "":
            raise ConvexError({"reason": "empty"})
        return ctx.db.insert(Letter(text=text, sender=sender))

    @mutation
    def write_slowly(ctx: MutationCtx) -> None:
        is_blocking.set()
        may_write.wait()

    @action
    async def send(ctx: ActionCtx, texts: list[str]) -> list[int]:
        counts = [await ctx.run_query(count)]
        for text in texts:
            await asyncio.sleep(0)
            id = await ctx.run_mutation(write, text=text)
            letter = await ctx.run_query(get, id=id)
            assert letter is not None and letter.text == text
            counts.append(await ctx.run_query(count))
        return counts

    @action
    async def send_together(ctx: ActionCtx, texts: list[str]) -> int:
        await asyncio.gather(*(ctx.run_mutation(write, text=text) for text in texts))
        return await ctx.run_query(count)

    @internal.action
    async def double(ctx: ActionCtx, number: int) -> int:
        return 2 * number

    @action
    async def quadruple(ctx: ActionCtx, number: int) -> int:
        return await ctx.run_action(double, number=await ctx.run_action(double, number))

    @action
    async def send_and_fail(ctx: ActionCtx) -> None:
        await ctx.run_mutation(write, text="stays")
        raise ValueError("later")

    @action
    async def send_empty(ctx: ActionCtx) -> str:
        try:
            await ctx.run_mutation(write, text="")
        except ConvexError as error:
            return error.data["reason"]
        return "sent"

    @action
    async def send_empty_on(ctx: ActionCtx) -> None:
        await ctx.run_mutation(write, text="")

    @action
    async def sender(ctx: ActionCtx) -> Any:
        id = await ctx.run_mutation(write, text="x")
        letter = await ctx.run_query(get, id=id)
        identity = ctx.auth.get_user_identity()
        return [letter.sender, None if identity is None else identity["subject"]]

    @action
    async def misuse(ctx: ActionCtx, how: str) -> None:
        await eval(how)

    @action
    async def fails_with(ctx: ActionCtx, code: str) -> None:
        raise eval(code)

    @action
    async def awaits_what_was_cancelled(ctx: ActionCtx) -> None:
        task = asyncio.ensure_future(asyncio.sleep(3600))
        await asyncio.sleep(0)
        task.cancel()
        await task

    @action
    async def returns_badly(ctx: ActionCtx) -> int:
        return "x"

    @action
    async def waits(ctx: ActionCtx) -> None:
        is_there.set()
        await asyncio.sleep(3600)

    @action
    async def waits_and_cleans_up(ctx: ActionCtx) -> None:
        is_there.set()
        try:
            await asyncio.sleep(3600)
        finally:
            left_behind.append("cleaned up")

    @action
    async def waits_for_a_mutation(ctx: ActionCtx) -> None:
        asyncio.get_running_loop().call_soon(is_there.set)
        await ctx.run_mutation(write, text="late")

    @action
    async def leaves_a_task_behind(ctx: ActionCtx) -> None:
        async def stay() -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                left_behind.append("ended")
        left_behind.append(asyncio.ensure_future(stay()))
        await asyncio.sleep(0)

    @action
    async def in_a_thread(ctx: ActionCtx) -> str:
        def work() -> str:
            print("from a thread")
            return threading.current_thread().name
        return await asyncio.to_thread(work)
"""


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Livefile]:
    with Livefile.open(":memory:", write_app(tmp_path, {"mail": MAIL}), seed=1) as livefile:
        yield livefile


def names_of(livefile: Livefile) -> dict[str, Any]:
    """Return the globals of the app's module: its events."""
    return livefile.app.functions["mail:count"].body.__globals__


def submit(
    livefile: Livefile, path: str, identity: Identity = ANONYMOUS, **args: Any
) -> Outcome | LivefileError:
    """Submit an action and wait for what its caller hears."""
    answer, answers = Event(), []

    def done(outcome: Outcome | LivefileError) -> None:
        answers.append(outcome)
        answer.set()

    call = Call(path=path, args=values(args), identity=identity, request_id="0" * 16)
    livefile.submit(call, FunctionKind.ACTION, done)
    answer.wait()
    return answers[0]


def test_an_action_calls_queries_and_mutations(mail: Livefile) -> None:
    assert mail.action("mail:send", texts=["a", "b", "c"]) == [0, 1, 2, 3]


def test_an_action_may_call_several_at_once(mail: Livefile) -> None:
    assert mail.action("mail:send_together", texts=[str(n) for n in range(30)]) == 30


def test_an_action_calls_other_actions(mail: Livefile) -> None:
    assert mail.action("mail:quadruple", number=3) == 12


def test_what_an_action_wrote_stays_when_it_fails(mail: Livefile) -> None:
    with pytest.raises(FunctionError, match="Uncaught ValueError: later"):
        mail.action("mail:send_and_fail")

    assert mail.query("mail:count") == 1


def test_an_action_can_catch_the_error_of_a_mutation_with_its_data(mail: Livefile) -> None:
    assert mail.action("mail:send_empty") == "empty"


def test_an_error_that_it_does_not_catch_reaches_its_caller(mail: Livefile) -> None:
    with pytest.raises(ConvexError) as raised:
        mail.action("mail:send_empty_on")
    outcome = submit(mail, "mail:send_empty_on")

    assert raised.value.data == {"reason": "empty"}
    assert isinstance(outcome, Failure)
    assert outcome.data_json == b'{"reason":"empty"}'


def test_the_identity_of_the_caller_goes_with_every_call(mail: Livefile) -> None:
    alice = Identity(attributes={"subject": "alice"})

    assert value_of(submit(mail, "mail:sender", alice)) == ["alice", "alice"]
    assert value_of(submit(mail, "mail:sender")) == ["nobody", None]
    assert value_of(submit(mail, "mail:sender", ADMIN)) == ["nobody", None]


def test_an_internal_action_is_there_for_functions_and_admins_only(mail: Livefile) -> None:
    assert message_of(submit(mail, "mail:double", number=1)) == (
        "Could not find public function for 'mail:double'."
    )
    assert value_of(submit(mail, "mail:double", ADMIN, number=1)) == 2


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("ctx.run_query(write, text='x')", "run_query takes a query of the app, got write"),
        ("ctx.run_mutation(count)", "run_mutation takes a mutation of the app, got count"),
        ("ctx.run_action(count)", "run_action takes an action of the app, got count"),
        ("ctx.run_query(3)", "run_query takes a query of the app, got int 3"),
        ("ctx.run_query('mail:nothing')", "Could not find public function for 'mail:nothing'"),
        ("ctx.run_query(get, id='x')", "get, argument id: "),
        ("ctx.run_query(get)", "missing the required field `id`"),
        ("ctx.run_query(get, name='x')", "get has no argument 'name'; it has id"),
    ],
)
def test_a_call_that_cannot_be_made_is_refused(mail: Livefile, how: str, wanted: str) -> None:
    assert wanted in message_of(submit(mail, "mail:misuse", how=how))
    assert mail.query("mail:count") == 0


def test_mistakes_of_the_caller_have_the_texts_of_the_protocol(mail: Livefile) -> None:
    with pytest.raises(ArgumentValidationError, match="missing the required field `texts`"):
        mail.action("mail:send")
    with pytest.raises(ReturnsValidationError, match=r"Validator: v\.float64"):
        mail.action("mail:returns_badly")
    with pytest.raises(WrongFunctionKindError, match=r"count as Action, .* as Query"):
        mail.action("mail:count")

    assert message_of(submit(mail, "mail:nothing")).startswith("Could not find public function")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("SystemExit()", "exit was called"),
        ("KeyboardInterrupt()", "KeyboardInterrupt"),
        ("asyncio.CancelledError()", "CancelledError"),
        ("StopIteration()", "StopIteration"),
        ("GeneratorExit()", "GeneratorExit"),
        ("TimeoutError('slow')", "Uncaught TimeoutError: slow"),
    ],
)
def test_whatever_an_action_raises_is_a_failure_and_others_go_on(
    mail: Livefile, code: str, text: str
) -> None:
    assert text in message_of(submit(mail, "mail:fails_with", code=code))
    assert mail.action("mail:quadruple", number=1) == 4


def test_a_cancelled_task_inside_an_action_is_its_own_failure(mail: Livefile) -> None:
    assert "CancelledError" in message_of(submit(mail, "mail:awaits_what_was_cancelled"))


def test_actions_run_side_by_side_and_do_not_hold_up_others(mail: Livefile) -> None:
    names = names_of(mail)
    waiting = Thread(target=lambda: submit(mail, "mail:waits"))
    waiting.start()
    names["is_there"].wait()

    assert mail.action("mail:send", texts=["a"]) == [0, 1]
    mail.close()
    waiting.join()


def test_an_action_may_use_threads_and_its_prints_are_kept(mail: Livefile) -> None:
    outcome = submit(mail, "mail:in_a_thread")

    assert value_of(outcome) != "livefile-actions"
    assert isinstance(outcome, Success)
    assert outcome.log_lines == ("[LOG] from a thread",)
    assert outcome.ts == 0


def test_too_many_actions_at_once_are_refused(
    mail: Livefile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefile.functions.actions.ACTIONS_RUNNING_MAX", 1)
    waiting = Thread(target=lambda: submit(mail, "mail:waits"))
    waiting.start()
    names_of(mail)["is_there"].wait()
    with pytest.raises(OverloadedError):
        mail.action("mail:quadruple", number=1)

    mail.close()
    waiting.join()


def test_an_action_is_run_again_when_it_is_asked_for_again(mail: Livefile) -> None:
    key = RequestKey(session_id="s", request_number=1)
    heard = Semaphore(0)
    for _ in range(2):
        call = Call(path="mail:send", args=values({"texts": ["x"]}), request_key=key)
        mail.submit(call, FunctionKind.ACTION, lambda outcome: heard.release())
        heard.acquire()

    assert mail.query("mail:count") == 2


# --- Closing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["mail:waits", "mail:waits_and_cleans_up"])
def test_closing_ends_an_action_and_its_caller_hears_so(mail: Livefile, path: str) -> None:
    names = names_of(mail)
    answers: list[Outcome | LivefileError] = []
    waiting = Thread(target=lambda: answers.append(submit(mail, path)))
    waiting.start()
    names["is_there"].wait()
    mail.close()
    waiting.join()

    assert [type(answer) for answer in answers] == [ClosedError]
    assert names["left_behind"] == (["cleaned up"] if "cleans" in path else [])


def test_closing_ends_tasks_that_an_action_left_behind(mail: Livefile) -> None:
    names = names_of(mail)
    assert isinstance(submit(mail, "mail:leaves_a_task_behind"), Success)
    mail.close()

    assert names["left_behind"][1:] == ["ended"]


def test_closing_while_an_action_waits_for_a_mutation_harms_nobody(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"mail": MAIL}))
    livefile = Livefile.open(tmp_path / "mail.db", app)
    names = names_of(livefile)
    answers: list[Outcome | LivefileError] = []
    failures: list[Exception] = []
    livefile.failed = failures.append
    # The writer is busy, so the action's mutation waits in the queue while the action is ended.
    busy = Thread(target=lambda: livefile.mutation("mail:write_slowly"))
    busy.start()
    names["is_blocking"].wait()
    waiting = Thread(target=lambda: answers.append(submit(livefile, "mail:waits_for_a_mutation")))
    waiting.start()
    names["is_there"].wait()
    closing = Thread(target=livefile.close)
    closing.start()
    waiting.join()
    assert livefile._actions._thread is not None
    livefile._actions._thread.join()
    names["may_write"].set()
    closing.join()
    busy.join()

    assert [type(answer) for answer in answers] == [ClosedError]
    assert failures == []
    assert [file.name for file in tmp_path.glob("mail.db*")] == ["mail.db"]
    with Livefile.open(tmp_path / "mail.db", app) as again:
        assert again.query("mail:count") == 1
