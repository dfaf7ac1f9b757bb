"use strict";
// `ctx.db.query(table)` for code of our own: what pushed bundles have from Convex's library.
//
// A query is a tree of a source and operators that the engine reads. Objects of these classes never
// change and are frozen: every method returns another one, so that no execution sees what another
// one did. Not here: `ctx` (reader.js); reading ahead (convex.js).

const { decode, encode } = require("./wire_values");

const LIMIT_OF_UNIQUE = 2; // One more than there may be.

// A part of a filter, as the engine reads it.
class Expression {
  constructor(tree) {
    this.tree = Object.freeze(tree);
    Object.freeze(this);
  }
}

function expression(thing) {
  return thing instanceof Expression ? thing.tree : { $literal: literal(thing) };
}

function literal(value) {
  return value === undefined ? { $undefined: null } : encode(value);
}

function operation(name) {
  return (...operands) => new Expression({ [name]: operands.map(expression) });
}

function single(name) {
  return (operand) => new Expression({ [name]: expression(operand) });
}

// What `filter` hands to its function.
const filterBuilder = {
  eq: operation("$eq"),
  neq: operation("$neq"),
  lt: operation("$lt"),
  lte: operation("$lte"),
  gt: operation("$gt"),
  gte: operation("$gte"),
  add: operation("$add"),
  sub: operation("$sub"),
  mul: operation("$mul"),
  div: operation("$div"),
  mod: operation("$mod"),
  and: operation("$and"),
  or: operation("$or"),
  not: single("$not"),
  neg: single("$neg"),
  field: (path) => new Expression({ $field: path }),
};

// What `withIndex` hands to its function: bounds of an index, one after the other.
class IndexRange {
  constructor(bounds = []) {
    this.bounds = Object.freeze(bounds);
    Object.freeze(this);
  }

  eq(fieldPath, value) {
    return this.#and("Eq", fieldPath, value);
  }

  gt(fieldPath, value) {
    return this.#and("Gt", fieldPath, value);
  }

  gte(fieldPath, value) {
    return this.#and("Gte", fieldPath, value);
  }

  lt(fieldPath, value) {
    return this.#and("Lt", fieldPath, value);
  }

  lte(fieldPath, value) {
    return this.#and("Lte", fieldPath, value);
  }

  #and(type, fieldPath, value) {
    return new IndexRange([...this.bounds, { type, fieldPath, value: literal(value) }]);
  }
}

// What `withSearchIndex` hands to its function.
class TextSearch {
  constructor(filters = []) {
    this.filters = Object.freeze(filters);
    Object.freeze(this);
  }

  search(fieldPath, value) {
    return new TextSearch([...this.filters, { type: "Search", fieldPath, value }]);
  }

  eq(fieldPath, value) {
    return new TextSearch([...this.filters, { type: "Eq", fieldPath, value: literal(value) }]);
  }
}

// A query; `source` says where documents come from, `operators` which of them are wanted.
class TableQuery {
  #table;
  #source;
  #operators;

  constructor(table, source, operators = []) {
    this.#table = table;
    this.#source = source;
    this.#operators = operators;
    Object.freeze(this);
  }

  fullTableScan() {
    return this;
  }

  withIndex(name, range = (it) => it) {
    const { bounds } = range(new IndexRange());
    const indexName = `${this.#table}.${name}`;
    return this.#from({ type: "IndexRange", indexName, range: bounds, order: null });
  }

  withSearchIndex(name, search) {
    const { filters } = search(new TextSearch());
    return this.#from({ type: "Search", indexName: `${this.#table}.${name}`, filters });
  }

  order(order) {
    return this.#from({ ...this.#source, order });
  }

  filter(predicate) {
    return this.#with({ filter: expression(predicate(filterBuilder)) });
  }

  limit(count) {
    return this.#with({ limit: count });
  }

  async collect() {
    const documents = [];
    for await (const document of this) {
      documents.push(document);
    }
    return documents;
  }

  take(count) {
    return this.limit(count).collect();
  }

  async first() {
    return (await this.take(1)).at(0) ?? null;
  }

  async unique() {
    const found = await this.take(LIMIT_OF_UNIQUE);
    if (found.length === LIMIT_OF_UNIQUE) {
      throw new Error(`unique() found more than one document in table ${this.#table}`);
    }
    return found.at(0) ?? null;
  }

  async paginate({ numItems, cursor, endCursor = null, maximumRowsRead = null }) {
    const page = await ask("1.0/queryPage", {
      query: this.#tree(),
      cursor,
      endCursor,
      pageSize: numItems,
      maximumRowsRead,
    });
    return { ...page, page: page.page.map(decode) };
  }

  async *[Symbol.asyncIterator]() {
    const opened = Convex.syscall("1.0/queryStream", JSON.stringify({ query: this.#tree() }));
    const asked = JSON.parse(opened);
    try {
      for (;;) {
        const { value, done } = await ask("1.0/queryStreamNext", asked);
        if (done) {
          return;
        }
        yield decode(value);
      }
    } finally {
      Convex.syscall("1.0/queryCleanup", opened);
    }
  }

  #from(source) {
    return new TableQuery(this.#table, source, this.#operators);
  }

  #with(operator) {
    return new TableQuery(this.#table, this.#source, [...this.#operators, operator]);
  }

  #tree() {
    return { source: this.#source, operators: this.#operators };
  }
}

for (const each of [Expression, IndexRange, TextSearch, TableQuery]) {
  freezeAll(each);
}
freezeAll(filterBuilder);

// Freeze what can be reached of a class, or of an object with functions.
function freezeAll(thing) {
  for (const key of Reflect.ownKeys(Object.freeze(thing))) {
    const value = thing[key];
    if ((typeof value === "function" || key === "prototype") && !Object.isFrozen(value)) {
      freezeAll(value);
    }
  }
}

// Return a query over all documents of a table.
function tableQuery(table) {
  return new TableQuery(table, { type: "FullTableScan", tableName: table, order: null });
}

// Ask the engine; return a promise of its answer, parsed.
async function ask(op, args) {
  return JSON.parse(await Convex.asyncSyscall(op, JSON.stringify(args)));
}

module.exports = { ask, tableQuery };
