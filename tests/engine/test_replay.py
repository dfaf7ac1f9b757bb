"""The commit log is enough to run every mutation again, with exactly the writes that it had."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

from livefile import ADMIN, ANONYMOUS, App, Call, Identity, Livefile, ManualClock, Success
from livefile.functions.call import FunctionKind
from livefile.functions.observers import Observers
from livefile.functions.runner import Runner
from livefile.functions.services import Origins
from livefile.model.write import DocumentWrite
from livefile.sqlite.commit_log import CommitRecord, commits_between
from livefile.sqlite.connections import Connections
from livefile.transaction.database import Database
from tests.app_folder import write_app
from tests.stepped_app import SteppedApp, value_of

DICE = """
    import datetime
    import random
    import secrets
    import time
    import uuid
    from livefile import *

    class Roll(Table, name="rolls"):
        player: str
        points: int
        token: str
        at: float
        rerolls: list[float] = []
        by_player_points = index("player", "points")

    @mutation
    def roll(ctx: MutationCtx, player: str) -> Id[Roll]:
        last = ctx.db.query(Roll.by_player_points.eq(player=player)).order("desc").first()
        return ctx.db.insert(
            Roll(
                player=player,
                points=random.randint(1, 6) + (0 if last is None else last.points),
                token=f"{uuid.uuid4()} {secrets.token_hex(4)}",
                at=time.time(),
            )
        )

    @mutation
    def reroll(ctx: MutationCtx, id: Id[Roll]) -> None:
        row = ctx.db.get(id)
        if row is None:
            raise ConvexError("it is gone")
        moment = datetime.datetime.now(datetime.UTC).timestamp()
        ctx.db.patch(id, points=random.randint(1, 6), rerolls=[*row.rerolls, moment])

    @mutation
    def lose_smallest(ctx: MutationCtx, player: str) -> None:
        smallest = ctx.db.query(Roll.by_player_points.eq(player=player)).first()
        if smallest is not None:
            ctx.db.delete(smallest.id)

    @internal.mutation
    def risky(ctx: MutationCtx, player: str) -> None:
        ctx.run_mutation(roll, player=player)
        if random.random() < 0.5:
            raise ConvexError("bad luck")

    @mutation
    def try_twice(ctx: MutationCtx, player: str) -> None:
        for _ in range(2):
            try:
                ctx.run_mutation(risky, player=player)
            except ConvexError:
                ctx.db.table("failures").insert({"player": player, "at": time.time_ns() / 1e9})

    @mutation
    def sign(ctx: MutationCtx, value: float | None = None) -> None:
        identity = ctx.auth.get_user_identity()
        name = "nobody" if identity is None else identity["subject"]
        if random.random() < 0.2:
            ctx.db.table("guests").insert({"name": name, "twice": value})
        ctx.db.table("guests").insert({"name": name, "value": value, "dice": random.random()})

    @action
    async def from_outside(ctx: ActionCtx, player: str) -> None:
        await ctx.run_mutation(risky_or_not, player=player)

    @internal.mutation
    def risky_or_not(ctx: MutationCtx, player: str) -> None:
        ctx.run_mutation(roll, player=player)

    @query
    def all_rolls(ctx: QueryCtx) -> list[Roll]:
        return ctx.db.query(Roll).collect()
"""

SEEDS_COUNT = 6

ALICE = Identity(attributes={"subject": "alice", "age": 7, "tags": [b"x", None, 1.5]})


def test_every_commit_can_be_run_again_from_its_record(tmp_path: Path, seed: int) -> None:
    clock = ManualClock()
    dice = Random(seed)
    file = tmp_path / "rolls.db"
    with SteppedApp(tmp_path, {"dice": DICE}, path=file, clock=clock, seed=seed) as app:
        for _ in range(60):
            clock.advance_ms(dice.choice([0, 0.001, 3, -500]))
            play(app, dice)
        loaded = app.app

    assert replay_all(file, loaded) > 30


def test_mutations_of_actions_and_of_the_library_can_be_run_again(tmp_path: Path) -> None:
    file = tmp_path / "rolls.db"
    loaded = App.load(write_app(tmp_path, {"dice": DICE}))
    with Livefile.open(file, loaded, seed=1) as livefile:
        # As a client would call it, who may not call the mutation inside.
        heard = Event()
        call = Call(path="dice:from_outside", args={"player": "a"}, identity=ALICE)
        livefile.submit(call, FunctionKind.ACTION, lambda outcome: heard.set())
        heard.wait()
        id = livefile.mutation("dice:roll", player="a")
        livefile.mutation_on_snapshot("dice:reroll", id=id)
        livefile.mutation("dice:risky_or_not", player="b")

    assert replay_all(file, loaded) == 4


def test_a_mutation_that_others_overtook_can_be_run_again(tmp_path: Path) -> None:
    gated = (
        DICE
        + """
    import threading
    is_reading, may_go_on = threading.Event(), threading.Event()

    @mutation
    def slow_roll(ctx: MutationCtx, player: str) -> None:
        is_reading.set()
        may_go_on.wait()
        ctx.run_mutation(roll, player=player)
    """
    )
    file = tmp_path / "rolls.db"
    loaded = App.load(write_app(tmp_path, {"dice": gated}))
    gate = loaded.functions["dice:slow_roll"].body.__globals__
    with Livefile.open(file, loaded, seed=1) as livefile:
        slow = Thread(
            target=livefile.mutation_on_snapshot, args=["dice:slow_roll"], kwargs={"player": "slow"}
        )
        slow.start()
        gate["is_reading"].wait()
        livefile.mutation("dice:roll", player="fast")
        gate["may_go_on"].set()
        slow.join()
    records = read_log(file)

    assert [record.call["path"] for record in records[1:]] == ["dice:roll", "dice:slow_roll"]
    assert records[2].call["time_ns"] < records[1].ts
    assert replay_all(file, loaded) == 2


def test_scheduled_mutations_can_be_run_again(tmp_path: Path) -> None:
    scheduling = (
        DICE
        + """
    @mutation
    def roll_on(ctx: MutationCtx, player: str, times: int) -> None:
        ctx.run_mutation(roll, player=player)
        if times:
            ctx.scheduler.run_after(random.random(), roll_on, player=player, times=times - 1)

    crons = Crons()
    crons.interval("roll", roll, seconds=1, args={"player": "cron"})
    """
    )
    file = tmp_path / "rolls.db"
    with SteppedApp(tmp_path, {"dice": scheduling}, path=file, seed=1) as app:
        app.mutate("dice:roll_on", player="a", times=3)
        for _ in range(20):
            app.clock.advance_ms(300)
            app.step()
        loaded = app.app

    assert replay_all(file, loaded) > 8


def test_the_record_holds_the_whole_call(tmp_path: Path) -> None:
    file = tmp_path / "rolls.db"
    with SteppedApp(tmp_path, {"dice": DICE}, path=file, seed=1) as app:
        app.clock.advance_ms(5)
        app.mutate("dice:sign", ALICE, value=2)
        code_hash, now_ns = app.app.code_hash, app.clock.now_ns()
    deploy, record = read_log(file)

    assert deploy.call == {"path": "_system:deploy", "code": code_hash}
    assert record.call["seed"] in range(2**64)
    assert {name: part for name, part in record.call.items() if name != "seed"} == {
        "path": "dice:sign",
        "code": code_hash,
        "args": {"value": 2.0},
        "identity": ALICE.attributes,
        "is_admin": False,
        "is_internal": False,
        "time_ns": now_ns,
        "snapshot_ts": deploy.ts,
        "request_id": "0123456789abcdef",
        "session": None,
    }


def test_a_query_in_the_past_sees_the_past_time_and_changes_nothing(tmp_path: Path) -> None:
    with SteppedApp(tmp_path, {"dice": DICE}, seed=1) as app:
        first = app.mutate("dice:roll", player="a")
        app.clock.advance_ms(1000)
        app.mutate("dice:lose_smallest", player="a")
        then = app.query_at(first.ts, "dice:all_rolls")

        assert [row["_id"] for row in value_of(then)] == [value_of(first)]
        assert isinstance(then, Success)
        assert then.ts == first.ts
        assert value_of(app.query("dice:all_rolls")) == []


def play(app: SteppedApp, dice: Random) -> None:
    """Make one random move."""
    identity = dice.choice([ALICE, ADMIN, ANONYMOUS])
    player = dice.choice(["a", "b"])
    rolls = value_of(app.query("dice:all_rolls"))
    match dice.randrange(6):
        case 0 | 1:
            app.mutate("dice:roll", identity, player=player)
        case 2 if rolls:
            app.mutate("dice:reroll", identity, id=dice.choice(rolls)["_id"])
        case 3:
            app.mutate("dice:lose_smallest", identity, player=player)
        case 4:
            app.mutate("dice:try_twice", identity, player=player)
        case _:
            app.mutate("dice:sign", identity, value=dice.choice([None, 1, float("inf")]))


def read_log(file: Path) -> Sequence[CommitRecord]:
    connections = Connections(file)
    try:
        with connections.read() as connection:
            return list(commits_between(connection, 0, 2**63 - 1))
    finally:
        connections.close()


def replay_all(file: Path, app: App) -> int:
    """Run every recorded call again and return their number; their writes must be the same."""
    records = read_log(file)
    calls = [record for record in records if not record.call["path"].startswith("_system:")]
    database = Database(file, ManualClock(0))
    try:
        for record in calls:
            assert by_document(replay(database, app, record.call)) == by_document(record.writes)
    finally:
        database.close()
    return len(calls)


def replay(database: Database, app: App, recorded: Any) -> Sequence[DocumentWrite]:
    """Run a recorded call on the state that it saw and return its writes."""
    call = Call(
        path=recorded["path"],
        args=recorded["args"],
        identity=Identity(attributes=recorded["identity"], is_admin=recorded["is_admin"]),
        request_id=recorded["request_id"],
        is_internal=recorded["is_internal"],
        job=recorded.get("job"),
        parent_job=recorded.get("parent_job"),
    )
    snapshot_ts, seed, now_ns = recorded["snapshot_ts"], recorded["seed"], recorded["time_ns"]
    with database.past(snapshot_ts, seed, now_ns) as transaction:
        runner = Runner(app, Observers(), Origins())
        run = runner.run(call, FunctionKind.MUTATION, transaction, seed)
        assert isinstance(run.outcome, Success), run.outcome
        return [write.packed() for write in transaction.writes]


def by_document(writes: Sequence[DocumentWrite]) -> dict[tuple[int, bytes], DocumentWrite]:
    return {(write.table_number, write.internal_id): write for write in writes}
