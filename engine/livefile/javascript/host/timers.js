"use strict";
// Timers of actions: each belongs to its action and ends with it.
//
// Not here: queries and mutations, which have none (globals.js).

const { currentExecution } = require("./current");

const {
  clearTimeout: clearReal,
  setInterval: setRealInterval,
  setTimeout: setRealTimeout,
} = globalThis;

// Return the four globals. Timers are numbers, as browsers have them.
function makeTimers() {
  const timers = new Map(); // By number: what ends them.
  let next = 1;

  const set = (name, setReal, callback, delay, args) => {
    const execution = currentExecution();
    if (execution === null || execution.isImporting) {
      throw new Error(`Can't use ${name} at import time, outside of a function`);
    }
    if (typeof callback !== "function") {
      throw new TypeError(`${name} takes a function, not ${typeof callback}`);
    }
    const id = next++;
    const timer = setReal(() => {
      if (name === "setTimeout") {
        forget();
      }
      try {
        callback(...args);
      } catch (error) {
        execution.fail(error);
      }
    }, delay);
    const end = () => {
      clearReal(timer);
      forget();
    };
    const forget = () => {
      timers.delete(id);
      execution.endings.delete(end);
    };
    timers.set(id, end);
    execution.endings.add(end);
    if (execution.isOver) {
      end();
    }
    return id;
  };
  const clear = (id) => timers.get(Number(id))?.();
  return {
    setTimeout: (callback, delay, ...args) =>
      set("setTimeout", setRealTimeout, callback, delay, args),
    setInterval: (callback, delay, ...args) =>
      set("setInterval", setRealInterval, callback, delay, args),
    clearTimeout: (id) => clear(id),
    clearInterval: (id) => clear(id),
  };
}

module.exports = { makeTimers };
