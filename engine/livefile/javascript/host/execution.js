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

class Execution {
  #calls = new Map();
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
    return new Promise((resolve, reject) => {
      const id = this.#nextCall++;
      this.#calls.set(id, [resolve, reject]);
      this.outgoing.push(`[${id},${JSON.stringify(op)},${args}]`);
      this.progressed?.();
    });
  }

  get waitingCount() {
    return this.#calls.size;
  }

  // Hand over the answer to a call.
  deliver(id, isOk, text) {
    const [resolve, reject] = this.#calls.get(id);
    this.#calls.delete(id);
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
      this.lines.push([level, text.slice(0, LOG_LINE_LENGTH_MAX)]);
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
    this.settled ??= { isOk, text };
    this.progressed?.();
  }
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

module.exports = { Execution, invoke, load, errorOf };
