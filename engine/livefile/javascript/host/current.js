"use strict";
// Which execution runs now, for globals that have no context at hand.
//
// One at a time has the interpreter; on the event loop, where many wait for each other, the one is
// found by the asynchronous context.

const { AsyncLocalStorage } = require("node:async_hooks");

let storage = null;
let current = null;

// From now on, find the execution by its asynchronous context.
function followContexts() {
  storage = new AsyncLocalStorage();
}

// Run `work` on behalf of an execution.
function runAs(execution, work) {
  if (storage !== null) {
    return storage.run(execution, work);
  }
  current = execution;
  return work();
}

// Return the execution, null outside of one.
function currentExecution() {
  return storage === null ? current : (storage.getStore() ?? null);
}

module.exports = { currentExecution, followContexts, runAs };
