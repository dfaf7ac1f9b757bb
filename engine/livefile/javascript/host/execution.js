"use strict";
// One execution of one function: the calls that it makes, its console, its result.
//
// The library in the bundle talks to the global `Convex`; that goes to the execution of now.
// Not here: who sends the frames (main.js, actions.js); what functions see of time and chance
// (determinism.js).

const { Instances } = require("./modules");
const { describe } = require("./errors");

const LOG_LINES_MAX = 257; // One more than the engine keeps, so that it sees that some are lost.
const LOG_LINE_LENGTH_MAX = 40000;
const NESTING_MAX = 1000; // The engine reads hardly more; a value may have far less.
// How JSON.stringify writes half of a pair of surrogates, which is no text anywhere else.
const HALF_PAIR = /(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/;

class Execution {
  #calls = new Map();
  #waitingCount = 0; // Of the calls: code may be able to change what a map says of itself.
  #nextCall = 1;
  #linesCount = 0;
  outgoing = [];
  lines = [];
  settled = null; // {isOk, text} once it is over.
  redoGlobals = null; // Does again what it did to the globals, while another one runs.
  observed = { time: false, random: false };
  progressed = null; // Called when it is settled or makes a call, if anybody wants to know.

  constructor(id, spec, code, extra) {
    this.id = id;
    this.spec = spec;
    this.code = code;
    this.instances = new Instances(code, extra);
  }

  // Begin to run `work`, which returns the result's text or a promise of it.
  start(work) {
    let result;
    try {
      result = work(this);
    } catch (error) {
      this.fail(error);
      return;
    }
    Promise.resolve(result).then(
      (text) => this.#settle(true, String(text)),
      (error) => this.fail(error),
    );
  }

  fail(error) {
    this.#settle(false, JSON.stringify(describe(error, this.code)));
  }

  // Ask the engine; return a promise of the result's text.
  call(op, args) {
    if (this.isImporting) {
      throw new Error(`Can't use ${op} at import time, outside of a function`);
    }
    checkArguments(op, args);
    return new Promise((resolve, reject) => {
      const id = this.#nextCall++;
      this.#calls.set(id, [resolve, reject]);
      this.#waitingCount++;
      this.outgoing.push(`[${id},${nameText(op)},${args}]`);
      this.progressed?.();
    });
  }

  get waitingCount() {
    return this.#waitingCount;
  }

  // Whether nothing can come any more. Calls that nobody awaited are made before that, unless the
  // function has failed.
  get isDone() {
    return this.settled !== null && (!this.settled.isOk || this.#waitingCount === 0);
  }

  // Hand over the answer to a call.
  deliver(id, isOk, text) {
    const [resolve, reject] = this.#calls.get(id);
    this.#calls.delete(id);
    this.#waitingCount--;
    if (isOk) {
      resolve(text);
    } else {
      reject(errorOf(text));
    }
  }

  get hasRoomForLines() {
    return this.#linesCount < LOG_LINES_MAX;
  }

  log(level, text) {
    if (this.hasRoomForLines) {
      this.#linesCount++;
      this.lines.push([level, text.slice(0, LOG_LINE_LENGTH_MAX).toWellFormed()]);
    }
  }

  takeCalls() {
    const taken = this.outgoing;
    this.outgoing = [];
    return `[${taken.join(",")}]`;
  }

  takeLines() {
    const taken = this.lines;
    this.lines = [];
    return JSON.stringify(taken);
  }

  #settle(isOk, text) {
    this.settled ??= { isOk, text: text.toWellFormed() };
    this.progressed?.();
  }
}

// Throw if the engine could not read the arguments of a call, given as JSON. What it cannot read
// ends the process, because nothing in that frame is sure.
function checkArguments(op, args) {
  const text = String(args);
  if (text.includes("\\ud") && HALF_PAIR.test(text)) {
    throw new Error(`The arguments of ${op} have text that is not valid Unicode: a lone surrogate`);
  }
  if (text.length > 2 * NESTING_MAX && nesting(text) > NESTING_MAX) {
    throw new Error(`Value is too nested (over ${NESTING_MAX} levels deep > maximum nesting 64)`);
  }
}

// Return how deep a JSON text is nested.
function nesting(text) {
  let depth = 0;
  let deepest = 0;
  let isQuoted = false;
  for (let position = 0; position < text.length; position++) {
    switch (text[position]) {
      case "\\":
        position++; // Only in quotes there are any.
        break;
      case '"':
        isQuoted = !isQuoted;
        break;
      case "[":
      case "{":
        depth += isQuoted ? 0 : 1;
        deepest = Math.max(deepest, depth);
        break;
      case "]":
      case "}":
        depth -= isQuoted ? 0 : 1;
        break;
    }
  }
  return deepest;
}

// Return the name of an operation as JSON.
function nameText(op) {
  return JSON.stringify(String(op).toWellFormed());
}

// Return the error that a refused call is: an Error, with `data` if a function raised such.
function errorOf(text) {
  const refused = JSON.parse(text);
  const error = new Error(refused.message);
  if (refused.data !== undefined) {
    error.data = refused.data;
  }
  return error;
}

// Return the result of a registered function.
function invoke(execution) {
  const { module, function: name, kind, args, requestId } = execution.spec;
  const registered = load(execution, module)[name];
  const shown = `${module.replace(/\.js$/, "")}:${name}`;
  if (registered === undefined) {
    throw new Error(`Couldn't find ${JSON.stringify(name)} in module ${JSON.stringify(module)}`);
  }
  switch (kind) {
    case "query":
      return invoked(registered.isQuery, shown, kind, () => registered.invokeQuery(args));
    case "mutation":
      return invoked(registered.isMutation, shown, kind, () => registered.invokeMutation(args));
    default:
      return invoked(registered.isAction, shown, kind, () =>
        registered.invokeAction(requestId, args),
      );
  }
}

function invoked(isOfKind, shown, kind, run) {
  if (!isOfKind) {
    throw new Error(`${shown} is not registered as a ${kind}`);
  }
  return run();
}

// Load a module of the execution, in its import phase.
function load(execution, path) {
  execution.isImporting = true;
  try {
    return execution.instances.load(path);
  } finally {
    execution.isImporting = false;
  }
}

module.exports = { Execution, checkArguments, errorOf, invoke, load, nameText };
