"use strict";
// The program of a host: a process that runs pushed JavaScript for the engine, which started it.
//
// `main.js transactions` runs queries, mutations and the analysis of a push: one execution at a
// time, and those that it calls, while the engine waits for each answer and this process for each
// question. `main.js actions` and `main.js node` run actions (actions.js). With `open` after that,
// code may change the language's own objects (intrinsics.js).
//
// The frames are arrays:
//   to here:   ["load", code, {path: [source, sourceMap]}], ["run", id, spec],
//              ["reply", id, [[call, isOk, text], ...]], ["cancel", id]
//   from here: ["ready"], ["calls", id, [[call, op, args], ...], lines],
//              ["done", id, isOk, text, lines, observed], ["logs", id, lines]

const { writeSync } = require("node:fs");
const { getHeapStatistics } = require("node:v8");
const { Code, setLocals } = require("./modules");
const { Execution, checkArguments, errorOf, invoke, nameText } = require("./execution");
const { Channel } = require("./channel");
const { currentExecution, followContexts, runAs } = require("./current");
const { analyze } = require("./analysis");
const { makeConsole } = require("./console");
const { makeConvex } = require("./convex");
const { now, seededCrypto, SeededDate, seededMath } = require("./determinism");
const {
  hasChangedLanguage,
  hideNetwork,
  makeProcess,
  putGlobalsAside,
  refused,
  replaceGlobals,
  restoreGlobals,
} = require("./globals");
const { ownModule } = require("./reader");

// Kept before the globals change.
const drainMicrotasks = process._tickCallback.bind(process);
const exit = process.exit.bind(process);
const { Buffer, setImmediate } = globalThis;

const ERRORS = 2; // The descriptor.
const EXTERNAL_BYTES_MAX = 64 * 2 ** 20;
const AT_ONCE = 0; // The number of a call that is answered before its execution goes on.

class TransactionHost {
  #channel = new Channel();
  // By id. No maps, whose methods code may be able to change.
  #codes = Object.create(null);
  #executions = Object.create(null);
  #waiting = null; // The execution that waits for the event loop.
  #last = null; // The one that ran last.
  #isAsking = false; // Whether an answer must come before anything else.

  prepare(isOpen) {
    followContexts(); // What one has left behind may go on while another one waits for the loop.
    process.on("unhandledRejection", blame);
    process.on("uncaughtException", blame);
    process.on("beforeExit", () => this.#endWaiting());
    const callAtOnce = (execution, op, args) => this.#callAtOnce(execution, op, args);
    Buffer.poolSize = 0; // Small buffers of different executions share no memory.
    setLocals({ Buffer: undefined });
    const own = {
      Buffer, // Node's own code for the web takes it from there; modules do not see it.
      Convex: makeConvex(callAtOnce, {}),
      Date: SeededDate,
      Math: seededMath,
      console: makeConsole(now),
      crypto: seededCrypto(globalThis.crypto),
      performance: Object.freeze({ now, timeOrigin: 0 }),
      process: makeProcess((execution, name) => this.#variable(execution, name)),
      clearInterval: () => {},
      clearTimeout: () => {},
      fetch: refused("fetch()"),
      setInterval: refused("setInterval"),
      setTimeout: refused("setTimeout"),
    };
    replaceGlobals(own, isOpen);
    hideNetwork();
    this.#channel.send('["ready"]');
  }

  // Serve until the engine ends, or until an execution waits for the event loop.
  serve() {
    for (;;) {
      const execution = this.#handle(this.#channel.receive());
      if (execution !== null && !this.#advance(execution)) {
        this.#wait(execution);
        return;
      }
    }
  }

  // Do what a frame says; return the execution that can go on.
  #handle([kind, id, content]) {
    switch (kind) {
      case "load":
        this.#codes[id] = new Code(content);
        this.#codes[id].prepare();
        this.#channel.send('["ready"]'); // Compiling counts as no function's time.
        return null;
      case "run":
        return this.#start(id, content);
      case "reply":
        return this.#deliver(id, content);
      case "cancel":
        delete this.#executions[id];
        restoreGlobals();
        return null;
      default:
        throw new Error(`unknown frame ${kind}`);
    }
  }

  #start(id, spec) {
    const code = this.#codes[spec.code] ?? new Code({});
    const execution = new Execution(id, spec, code, ownModule);
    if (this.#last !== null && this.#executions[this.#last.id] !== undefined) {
      this.#last.redoGlobals = putGlobalsAside(); // It has called this one, and goes on later.
    }
    this.#executions[id] = execution;
    runAs(execution, () => execution.start(spec.kind === "analyze" ? analyze : invoke));
    return execution;
  }

  #deliver(id, replies) {
    const execution = this.#executions[id];
    runAs(execution, () => {
      for (const [call, isOk, text] of replies) {
        execution.deliver(call, isOk, text);
      }
    });
    return execution;
  }

  // Let an execution run as far as it comes; return whether the engine has to do something now.
  #advance(execution) {
    this.#last = execution;
    execution.redoGlobals?.();
    execution.redoGlobals = null;
    runAs(execution, drainMicrotasks);
    if (this.#isAsking) {
      exit(1);
    }
    const { id, settled } = execution;
    if (execution.isDone) {
      delete this.#executions[id];
      if (execution.spec.kind === "analyze") {
        execution.observed.language = hasChangedLanguage();
      }
      execution.observed.spoilt = !restoreGlobals() || isFull();
      const { isOk, text } = settled;
      const observed = JSON.stringify(execution.observed);
      this.#channel.send(
        `["done",${id},${isOk},${JSON.stringify(text)},${execution.takeLines()},${observed}]`,
      );
      return true;
    }
    if (execution.outgoing.length > 0) {
      this.#channel.send(`["calls",${id},${execution.takeCalls()},${execution.takeLines()}]`);
      return true;
    }
    return execution.waitingCount > 0;
  }

  // Leave the interpreter to the event loop: what an execution waits for is a job of the process's
  // own, such as a digest. Once the loop has nothing left to do, it waits in vain.
  #wait(execution) {
    this.#waiting = execution;
    execution.progressed = () => setImmediate(() => this.#resume(execution));
    setImmediate(() => {}); // The loop turns once at least, and then tells that it ends.
  }

  #resume(execution) {
    if (this.#waiting !== execution) {
      return;
    }
    this.#waiting = null;
    execution.progressed = null;
    if (this.#advance(execution)) {
      this.serve();
    } else {
      this.#wait(execution);
    }
  }

  #endWaiting() {
    const execution = this.#waiting;
    if (execution === null) {
      exit(1); // Nobody waits, and nobody listens: an error of our own.
    }
    execution.fail(new Error("Returned promise will never resolve"));
    this.#resume(execution);
  }

  // Ask the engine and wait for its answer, within a call of the function.
  // Where the stack is nearly full that can stop half way; what was not read then would be taken
  // for the answer to something else, so there is no going on.
  #callAtOnce(execution, op, args) {
    if (this.#isAsking) {
      exit(1);
    }
    if (this.#executions[execution.id] === undefined) {
      throw new Error(`Can't use ${op} after the function has returned`);
    }
    checkArguments(op, args);
    this.#isAsking = true;
    const calls = `[[${AT_ONCE},${nameText(op)},${args}]]`;
    this.#channel.send(`["calls",${execution.id},${calls},${execution.takeLines()}]`);
    const [, , [[, isOk, text]]] = this.#channel.receive();
    this.#isAsking = false;
    if (!isOk) {
      throw errorOf(text);
    }
    return text;
  }

  #variable(execution, name) {
    execution.variables ??= new Map();
    if (!execution.variables.has(name)) {
      const text = this.#callAtOnce(execution, "livefile/variable", JSON.stringify({ name }));
      execution.variables.set(name, JSON.parse(text));
    }
    return execution.variables.get(name);
  }
}

// Whether buffers have taken so much that the next function would come to the process's limit: what
// is garbage by now is not given back in time.
function isFull() {
  return getHeapStatistics().external_memory > EXTERNAL_BYTES_MAX;
}

// Fail the execution that left an error uncaught; one of our own ends the process.
function blame(error) {
  const execution = currentExecution();
  if (execution === null) {
    writeSync(ERRORS, `${error?.stack ?? error}\n`);
    exit(1);
  }
  execution.settled = null; // That it has returned already does not help it.
  execution.fail(error);
}

const [, , mode, opening] = process.argv;
const isOpen = opening === "open";
if (mode === "transactions") {
  const host = new TransactionHost();
  host.prepare(isOpen);
  host.serve();
} else {
  require("./actions").serve(mode, isOpen);
}
