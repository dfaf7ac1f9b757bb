"""The twin in Python of the functions in ``twins.js``: both run programs that are lists of steps.

Not here: the programs (``twin_programs.py``).
"""

TWINS = """
    from itertools import islice
    from typing import Any

    from livefile import (
        MISSING, Expression, LivefileError, MutationCtx, PaginationOptions, QueryCtx, Table, field,
        index, mutation, query, search_index,
    )


    class Thing(Table, name="things"):
        at: dict[str, Any]
        body: str | None = None
        room: Any = None
        by_place = index("at.a", "at.b")
        by_words = search_index("body", filters=["room", "at.a"])

    NAMES = {"_id": "id", "_creationTime": "creation_time"}

    def given(box):
        return box[0] if box else MISSING

    def expression(tree):
        operator, *operands = tree
        if operator == "field":
            return field(operands[0])
        if operator == "constant":
            return Expression("constant", content=given(operands[0]))
        return Expression(operator, tuple(map(expression, operands)))

    def query_of(ctx, asked):
        if asked["search"] is not None:
            search = Thing.by_words.search(asked["search"])
            for path, box in asked["conditions"]:
                search = search.eq(**{path: given(box)})
            found = ctx.db.query(search)
        elif asked["index"] is None:
            found = ctx.db.query(Thing).order(asked["order"])
        else:
            source = getattr(Thing, asked["index"])
            for kind, path, box in asked["bounds"]:
                source = getattr(source, kind.lower())(**{NAMES.get(path, path): given(box)})
            found = ctx.db.query(source).order(asked["order"])
        return found if asked["filter"] is None else found.filter(expression(asked["filter"]))

    def read_as(query, how, count, cursor):
        match how:
            case "collect":
                return stored(query.collect())
            case "take":
                return stored(query.take(int(count)))
            case "some":
                return stored(islice(query, int(count)))
        page = query.paginate(PaginationOptions(num_items=int(count), cursor=cursor))
        return [stored(page.page), page.is_done, page.continue_cursor]

    def stored(rows):
        return [row for row in rows]

    def run(ctx, kind, steps, ids, fails):
        known = list(ids)
        results = []
        for step in steps:
            try:
                results.append(["done", run_step(ctx, kind, step, known)])
            except LivefileError as error:
                results.append(["failed", str(error)])
        if fails:
            raise ValueError("as it was told")
        return results

    def run_step(ctx, kind, step, known):
        table = ctx.db.table("things")
        match step:
            case ["query", asked, how]:
                return read_as(query_of(ctx, asked), *how)
            case ["sweep", asked, count]:
                swept = []
                for row in islice(query_of(ctx, asked), int(count)):
                    swept.append(row.id)
                    ctx.db.delete(row.id)
                return swept
            case ["get", number]:
                return ctx.db.get(known[int(number) % len(known)])
            case ["normalize", name, number]:
                return ctx.db.normalize_id(name, known[int(number) % len(known)])
            case ["insert", _, fields]:
                known.append(table.insert(fields))
            case ["patch", number, fields]:
                table.patch(known[int(number) % len(known)], fields)
            case ["replace", number, fields]:
                table.replace(known[int(number) % len(known)], fields)
            case ["delete", number]:
                table.delete(known[int(number) % len(known)])
            case ["nested", steps, fails]:
                call = ctx.run_query if kind == "query" else ctx.run_mutation
                try:
                    return call(READ if kind == "query" else WRITE, steps, known, fails)
                except ValueError:
                    return "failed"

    @query
    def read(ctx: QueryCtx, steps: list[Any], ids: list[str], fails: bool) -> Any:
        return run(ctx, "query", steps, ids, fails)

    @mutation
    def write(ctx: MutationCtx, steps: list[Any], ids: list[str], fails: bool) -> Any:
        return run(ctx, "mutation", steps, ids, fails)

    READ, WRITE = read, write
"""
