"use strict";
// What a push wants to know of modules: their functions, routes and cron jobs, and what the schema,
// the list of sign-in providers and the mounting of components are.
//
// All of it happens in the import phase: nothing may be asked of the engine but variables.
// Not here: loading modules (execution.js); checks of what they say (analysis.py).

const { load } = require("./execution");

const KINDS = { isQuery: "Query", isMutation: "Mutation", isAction: "Action" };

// Return the answer to one question about a module as JSON text. The execution's spec has the
// module's path, and as its function what is asked for.
function analyze(execution) {
  const { module: path, function: part } = execution.spec;
  const exports = load(execution, path);
  execution.isImporting = true;
  switch (part) {
    case "module":
      return JSON.stringify(moduleTree(path, exports, execution.code));
    case "schema":
      return exportedText(path, exports.default, "defineSchema(...)");
    case "auth":
      return authText(path, exports.default);
    case "definition":
      return exportedText(path, exports.default, "defineApp() or defineComponent(...)");
    default:
      throw new Error(`analysis knows no ${part}`);
  }
}

function moduleTree(path, exports, code) {
  const functions = [];
  for (const name of Object.getOwnPropertyNames(exports)) {
    const found = functionTree(name, exports[name], path, code);
    if (found !== null) {
      functions.push(found);
    }
  }
  functions.sort((one, other) => order(one.pos) - order(other.pos));
  return {
    functions,
    httpRoutes: path === "http.js" ? routes(exports.default) : null,
    cronSpecs: path === "crons.js" ? crons(exports.default) : null,
  };
}

// Return what is known of an exported thing, or null if it is no function of the library.
function functionTree(name, thing, path, code) {
  if (thing === null || (typeof thing !== "object" && typeof thing !== "function")) {
    return null;
  }
  const kinds = Object.keys(KINDS).filter((key) => key in thing);
  const isPublic = "isPublic" in thing;
  const isInternal = "isInternal" in thing;
  if (kinds.length !== 1 || (isPublic && isInternal)) {
    return null;
  }
  const kind = isInternal ? "internal" : "public";
  return {
    name,
    udfType: KINDS[kinds[0]],
    visibility: isPublic || isInternal ? { kind } : null,
    args: "exportArgs" in thing ? text(thing.exportArgs(), name, "arguments") : null,
    returns: "exportReturns" in thing ? text(thing.exportReturns(), name, "result") : null,
    pos: position(thing._handler, path, code),
  };
}

// Return a validator's text, null for one that says nothing.
function text(exportedText, name, what) {
  if (typeof exportedText !== "string") {
    throw new TypeError(`the validator of the ${what} of ${name} is no text`);
  }
  return exportedText === "null" ? null : exportedText;
}

// Return where a handler is written, if that is in this module's own file and is found by its text.
function position(handler, path, code) {
  if (typeof handler !== "function") {
    return null;
  }
  const source = code.source(path);
  const offset = source.indexOf(Function.prototype.toString.call(handler));
  if (offset < 0) {
    return null;
  }
  const before = source.slice(0, offset).split("\n");
  const found = code.original(path, before.length, before.at(-1).length + 1);
  if (found === null || !withoutExtension(found.source).endsWith(withoutExtension(path))) {
    return null;
  }
  return { path, start_lineno: found.line, start_col: found.column };
}

function withoutExtension(path) {
  return path.replace(/\.[a-z]+$/, "");
}

function order(place) {
  return place === null ? -1 : place.start_lineno * 1e6 + place.start_col;
}

function routes(router) {
  if (router === undefined || router === null || router.isRouter !== true) {
    throw new TypeError("http.js must have a router as its default export: httpRouter()");
  }
  return router.getRoutes().map(([path, method]) => ({ route: { path, method }, pos: null }));
}

function crons(jobs) {
  if (jobs === undefined || jobs === null || jobs.isCrons !== true) {
    throw new TypeError("crons.js must have cron jobs as its default export: cronJobs()");
  }
  const specs = JSON.parse(jobs.export());
  return Object.entries(specs).map(([identifier, spec]) => ({ identifier, spec }));
}

function authText(path, config) {
  if (config === undefined || config === null || !Array.isArray(config.providers)) {
    throw new TypeError(`${path} must have an object with a list of providers as default export`);
  }
  return JSON.stringify(config);
}

// Return what an object of the library exports, as text.
function exportedText(path, thing, wanted) {
  if (thing === undefined || thing === null || typeof thing.export !== "function") {
    throw new TypeError(`${path} must have a default export made by ${wanted}`);
  }
  const exported = thing.export();
  return typeof exported === "string" ? exported : JSON.stringify(exported);
}

module.exports = { analyze };
