// The twin in JavaScript of the functions in twins_app.py: both run programs that are lists of
// steps (twin_programs.py), and must give, read and write the same.

const ask = async (op, args) => JSON.parse(await Convex.asyncSyscall(op, JSON.stringify(args)));
const askNow = (op, args) => JSON.parse(Convex.syscall(op, JSON.stringify(args)));

// A value in a program is [] if it is missing, or else a list of it alone.
const given = (box) => (box.length === 0 ? { $undefined: null } : box[0]);

function expression([operator, ...operands]) {
  switch (operator) {
    case "field":
      return { $field: operands[0] };
    case "constant":
      return { $literal: given(operands[0]) };
    case "not":
    case "neg":
      return { [`$${operator}`]: expression(operands[0]) };
    default:
      return { [`$${operator}`]: operands.map(expression) };
  }
}

function queryOf({ table, index, bounds, search, conditions, order, filter }) {
  const operators = filter === null ? [] : [{ filter: expression(filter) }];
  if (search !== null) {
    const equal = conditions.map(([fieldPath, box]) => ({
      type: "Eq", fieldPath, value: given(box),
    }));
    const filters = [{ type: "Search", fieldPath: "body", value: search }, ...equal];
    return { source: { type: "Search", indexName: `${table}.by_words`, filters }, operators };
  }
  if (index === null) {
    return { source: { type: "FullTableScan", tableName: table, order }, operators };
  }
  const range = bounds.map(([type, fieldPath, box]) => ({ type, fieldPath, value: given(box) }));
  const source = { type: "IndexRange", indexName: `${table}.${index}`, range, order };
  return { source, operators };
}

async function read(query, count, hear = async () => {}) {
  const { queryId } = askNow("1.0/queryStream", { query, version: "1.48.0" });
  const found = [];
  try {
    while (found.length < count) {
      const { value, done } = await ask("1.0/queryStreamNext", { queryId });
      if (done) {
        break;
      }
      found.push(value);
      await hear(value);
    }
  } finally {
    askNow("1.0/queryCleanup", { queryId });
  }
  return found;
}

async function readAs(query, [how, count, cursor]) {
  switch (how) {
    case "collect":
      return read(query, Infinity);
    case "take":
      query.operators.push({ limit: count });
      return read(query, Infinity);
    case "some":
      return read(query, count);
    default: {
      const asked = { query, cursor, endCursor: null, pageSize: count, maximumRowsRead: null };
      const { page, isDone, continueCursor } = await ask("1.0/queryPage", asked);
      return [page, isDone, continueCursor];
    }
  }
}

async function run({ steps, ids, fails }, nested) {
  const known = [...ids];
  const idAt = (number) => known[number % known.length];
  const results = [];
  for (const [kind, ...more] of steps) {
    try {
      results.push(["done", await step(kind, more)]);
    } catch (error) {
      results.push(["failed", error.message]);
    }
  }
  if (fails) {
    throw new Error("as it was told");
  }
  return results;

  async function step(kind, more) {
    switch (kind) {
      case "query":
        return readAs(queryOf(more[0]), more[1]);
      case "sweep": {
        const swept = await read(queryOf(more[0]), more[1], ({ _id }) =>
          ask("1.0/remove", { id: _id }));
        return swept.map(({ _id }) => _id);
      }
      case "get":
        return ask("1.0/get", { id: idAt(more[0]), isSystem: false });
      case "normalize":
        return askNow("1.0/db/normalizeId", { table: more[0], idString: idAt(more[1]) }).id;
      case "insert": {
        const { _id } = await ask("1.0/insert", { table: more[0], value: more[1] });
        known.push(_id);
        return null;
      }
      case "patch":
        return void (await ask("1.0/shallowMerge", { id: idAt(more[0]), value: more[1] }));
      case "replace":
        return void (await ask("1.0/replace", { id: idAt(more[0]), value: more[1] }));
      case "delete":
        return void (await ask("1.0/remove", { id: idAt(more[0]) }));
      default: {
        const args = { steps: more[0], ids: known, fails: more[1] };
        const udfType = nested;
        const name = `twins_in_js:${nested}`;
        try {
          return await ask("1.0/runUdf", { udfType, name, args });
        } catch {
          return "failed";
        }
      }
    }
  }
}

const registered = (kind) => {
  const invoke = async (args) => JSON.stringify(await run(JSON.parse(args)[0], kind));
  return {
    [kind === "query" ? "isQuery" : "isMutation"]: true, isPublic: true,
    exportArgs: () => '{"type":"any"}', exportReturns: () => "null",
    invokeQuery: invoke, invokeMutation: invoke,
  };
};
const query = registered("query");
const mutation = registered("mutation");
export { mutation, query };
