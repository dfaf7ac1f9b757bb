"use strict";
// `query` for inline queries, which an administrator writes and nobody bundles: they find here what
// others have from Convex's library. All that they can do is read.
//
// Not here: queries over tables (table_query.js).

const { ask, tableQuery } = require("./table_query");
const { decode, encode } = require("./wire_values");

// By this name such code imports it: Convex's tools write it so.
const SPECIFIER = "convex:/_system/repl/wrappers.js";
const HANDLE = "function://";

function database(isSystem) {
  const get = async (...args) => {
    const [table, id] = args.length > 1 ? args : [undefined, args[0]];
    return decode(await ask("1.0/get", { table, id, isSystem }));
  };
  const normalizeId = (table, idString) => {
    const text = Convex.syscall("1.0/db/normalizeId", JSON.stringify({ table, idString }));
    return JSON.parse(text).id;
  };
  return { get, query: (table) => tableQuery(table), normalizeId };
}

function fileCall(op) {
  return async (storageId) => decode(await ask(op, { storageId }));
}

async function runQuery(called, args = {}) {
  const address = called.startsWith(HANDLE) ? { functionHandle: called } : { name: called };
  return decode(await ask("1.0/runUdf", { udfType: "query", args: encode(args), ...address }));
}

// Return what a handler is given: objects of its own, which it may change.
function context() {
  return {
    auth: { getUserIdentity: async () => decode(await ask("1.0/getUserIdentity", {})) },
    db: { ...database(false), system: database(true) },
    runQuery: (called, args) => runQuery(called, args),
    storage: {
      getMetadata: fileCall("1.0/storageGetMetadata"),
      getUrl: fileCall("1.0/storageGetUrl"),
    },
  };
}

// Register a query: a function of the context and the arguments, or an object with such a `handler`.
function query(definition) {
  const handler = typeof definition === "function" ? definition : definition.handler;
  return {
    isQuery: true,
    isInternal: true,
    invokeQuery: async (text) => {
      const result = await handler(context(), ...JSON.parse(text).map(decode));
      return JSON.stringify(encode(result ?? null));
    },
  };
}

const wrappers = Object.freeze({ internalQuery: query, query });
Object.freeze(query);

// Return the exports of a module that is not pushed but is here, undefined for every other one.
function ownModule(specifier) {
  return specifier === SPECIFIER ? wrappers : undefined;
}

module.exports = { ownModule };
