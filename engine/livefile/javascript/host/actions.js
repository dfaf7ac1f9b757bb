"use strict";
// A host of actions: many at one time, on the event loop of the process.
//
// In the mode `actions` they find the web's globals and nothing of the process; in the mode `node`
// all that Node has, and modules are loaded as Node does (node_modules.js). Beside the frames of
// main.js there are ["ping"] and ["pong", bytes], by which the engine knows that this process still
// takes turns, and how much memory it has.
//
// Not here: one action (action_execution.js); HTTP (http.js); files (storage.js).

const { writeSync } = require("node:fs");
const { ActionExecution } = require("./action_execution");
const { analyze } = require("./analysis");
const { makeConsole } = require("./console");
const { makeConvex } = require("./convex");
const { currentExecution, followContexts, runAs } = require("./current");
const { EventChannel } = require("./event_channel");
const { invoke } = require("./execution");
const { makeProcess, replaceGlobals, restoreGlobals } = require("./globals");
const { answerRequest, convexJsonFromResponse, requestFromConvexJson } = require("./http");
const { Code, setLocals } = require("./modules");
const { NodeCode, NodeExecution } = require("./node_modules");
const { changeProcess } = require("./node_process");
const { withDuplex } = require("./request");
const { getBlob, storeBlob } = require("./storage");
const { makeTimers } = require("./timers");

// Kept before the globals change.
const { memoryUsage } = process;
const { crypto, fetch, performance, FinalizationRegistry, WeakRef } = globalThis;
// What Node's own code for the web takes from the globals; modules do not see them as such.
const { Buffer, clearImmediate, clearInterval, clearTimeout } = globalThis;
const { setImmediate, setInterval, setTimeout } = globalThis;

const ERRORS = 2; // The descriptor.
const LIBRARY = {
  convexJsonFromResponse,
  requestFromConvexJson,
  "storage/getBlob": getBlob,
  "storage/storeBlob": storeBlob,
};

class ActionHost {
  #channel = new EventChannel();
  #codes = new Map();
  #executions = new Map();
  #runningCount = 0; // Code may be able to change what a map says of itself.
  #isNode;

  constructor(isNode) {
    this.#isNode = isNode;
  }

  serve(isOpen) {
    followContexts();
    process.on("unhandledRejection", blame);
    process.on("uncaughtException", blame);
    const own = {
      Convex: makeConvex(refuseAtOnce, LIBRARY),
      console: Object.freeze(makeConsole(Date.now)),
    };
    if (this.#isNode) {
      Object.assign(globalThis, own);
      changeProcess();
    } else {
      Buffer.poolSize = 0; // Small buffers of different actions share no memory.
      setLocals({
        ...makeTimers(),
        Buffer: undefined,
        clearImmediate: undefined,
        setImmediate: undefined,
      });
      replaceGlobals({ ...own, ...webGlobals(), ...nodeGlobals() }, isOpen);
    }
    this.#channel.listen((frame) => this.#handle(frame));
    this.#channel.send('["ready"]');
  }

  #handle([kind, id, content]) {
    switch (kind) {
      case "load":
        this.#codes.set(id, this.#isNode ? new NodeCode(content) : new Code(content));
        break;
      case "run":
        this.#start(id, content);
        break;
      case "reply":
        this.#deliver(id, content);
        break;
      case "cancel":
        this.#end(this.#executions.get(id));
        break;
      case "ping":
        this.#channel.send(`["pong",${memoryUsage.rss()}]`);
        break;
      default:
        throw new Error(`unknown frame ${kind}`);
    }
  }

  #start(id, spec) {
    const Kind = this.#isNode ? NodeExecution : ActionExecution;
    const flush = (execution) => this.#flush(execution);
    const execution = new Kind(id, spec, this.#codes.get(spec.code), flush);
    this.#executions.set(id, execution);
    this.#runningCount++;
    runAs(execution, () => execution.start(this.#isNode ? loadAndRun : run));
  }

  #deliver(id, replies) {
    const execution = this.#executions.get(id);
    for (const [call, isOk, text] of execution === undefined ? [] : replies) {
      execution.deliver(call, isOk, text);
    }
  }

  // Send what an execution has to say.
  #flush(execution) {
    const { id, settled } = execution;
    if (settled !== null) {
      const { isOk, text } = execution.outcome();
      execution.warnOfOpenCalls();
      const lines = execution.takeLines();
      this.#end(execution);
      this.#channel.send(`["done",${id},${isOk},${JSON.stringify(text)},${lines},{}]`);
    } else if (execution.hasCallsToSend) {
      this.#channel.send(`["calls",${id},${execution.takeCalls()},${execution.takeLines()}]`);
    } else if (execution.lines.length > 0 && execution.spec.kind !== "analyze") {
      this.#channel.send(`["logs",${id},${execution.takeLines()}]`);
    }
  }

  #end(execution) {
    if (execution === undefined) {
      return; // It is over already.
    }
    this.#executions.delete(execution.id);
    runAs(execution, () => execution.end());
    this.#runningCount--;
    if (this.#runningCount === 0 && !this.#isNode) {
      restoreGlobals();
    }
  }
}

function run(execution) {
  switch (execution.spec.kind) {
    case "http":
      return answerRequest(execution);
    case "analyze":
      return analyze(execution);
    default:
      return invoke(execution);
  }
}

async function loadAndRun(execution) {
  await execution.loadModule();
  return run(execution);
}

function webGlobals() {
  Object.freeze(crypto.subtle);
  return {
    FinalizationRegistry,
    WeakRef,
    crypto: Object.freeze(crypto),
    fetch: (input, options) => {
      const execution = currentExecution();
      if (execution === null || execution.isImporting) {
        throw new Error("Can't use fetch() at import time, outside of a function");
      }
      return fetch(input, withDuplex(options));
    },
    performance: Object.freeze({
      now: () => performance.now(),
      timeOrigin: performance.timeOrigin,
    }),
    process: makeProcess(() => undefined),
  };
}

function nodeGlobals() {
  return {
    Buffer,
    clearImmediate,
    clearInterval,
    clearTimeout,
    setImmediate,
    setInterval,
    setTimeout,
  };
}

function refuseAtOnce(execution, op) {
  throw new Error(`Can't use ${op} in actions`);
}

// Fail the action that left an error uncaught. What belongs to none, or to one that is over, is
// told to whoever runs the server.
function blame(error) {
  const execution = currentExecution();
  if (execution === null || execution.isOver) {
    writeSync(ERRORS, `uncaught, outside of any action: ${error?.stack ?? error}\n`);
  } else {
    execution.fail(error);
  }
}

function serve(mode, isOpen) {
  new ActionHost(mode === "node").serve(isOpen);
}

module.exports = { serve };
