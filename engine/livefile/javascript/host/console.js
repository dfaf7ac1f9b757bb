"use strict";
// The global `console`: lines of the execution's log, `[LEVEL] text` as clients read them.

const util = require("node:util");
const { currentExecution } = require("./current");
const { withOwnFrames } = require("./errors");

const INSPECT = { customInspect: false, depth: 4, maxStringLength: 40000, breakLength: 80 };
const LONG = 1000;
const ESCAPED = /[\x00-\x1f\x27\x5c\x7f-\x9f]/; // Of characters in quotes.

// Return the console; `now` tells milliseconds, for its timers.
function makeConsole(now) {
  const notes = new WeakMap(); // What an execution has begun to time and to count.
  const nobody = {}; // Code that is being loaded.
  const noted = () => {
    const execution = currentExecution() ?? nobody;
    if (!notes.has(execution)) {
      notes.set(execution, { timers: new Map(), counts: new Map() });
    }
    return notes.get(execution);
  };
  const say = (level, items, stack = "") => {
    const execution = currentExecution();
    if (execution?.hasRoomForLines) {
      execution.log(level, withOwnFrames(textOf(items) + stack, execution.code));
    }
  };
  const methods = {
    log: (...items) => say("LOG", items),
    debug: (...items) => say("DEBUG", items),
    info: (...items) => say("INFO", items),
    warn: (...items) => say("WARN", items),
    error: (...items) => say("ERROR", items),
    dir: (item) => say("LOG", [item]),
    dirxml: (...items) => say("LOG", items),
    table: (item) => say("LOG", [item]),
    group: (...items) => say("LOG", items),
    groupCollapsed: (...items) => say("LOG", items),
    groupEnd: () => {},
    clear: () => {},
    trace: (...items) => {
      const stack = String(new Error().stack).split("\n").slice(2).join("\n");
      say("LOG", items, `\n${stack}`);
    },
    assert: (isTrue, ...items) => {
      if (!isTrue) {
        currentExecution()?.log("ERROR", `Assertion failed: ${textOf(items)}`);
      }
    },
    count: (label = "default") => {
      const { counts } = noted();
      counts.set(label, (counts.get(label) ?? 0) + 1);
      currentExecution()?.log("LOG", `${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => noted().counts.delete(label),
    time: (label = "default") => {
      const { timers } = noted();
      if (timers.has(label)) {
        currentExecution()?.log("WARN", `Timer '${label}' already exists`);
      } else {
        timers.set(label, now());
      }
    },
    timeLog: (label = "default", ...items) => tellTimer(noted().timers, label, now, items),
    timeEnd: (label = "default") => {
      const { timers } = noted();
      tellTimer(timers, label, now);
      timers.delete(label);
    },
  };
  return methods;
}

function tellTimer(timers, label, now, items = []) {
  if (timers.has(label)) {
    const passed = `${label}: ${now() - timers.get(label)}ms`;
    currentExecution()?.log("INFO", [passed, ...items.map(inspected)].join(" "));
  } else {
    currentExecution()?.log("WARN", `Timer '${label}' does not exist`);
  }
}

function textOf(items) {
  return items.map((item) => inspected(item)).join(" ");
}

// What is logged may be a proxy, or have a getter that throws.
function inspected(item) {
  if (typeof item === "string" && item.length > LONG && !ESCAPED.test(item)) {
    return `'${item}'`; // Many times faster; a line is cut in any case.
  }
  try {
    return util.inspect(item, INSPECT);
  } catch {
    return "[cannot be shown]";
  }
}

module.exports = { makeConsole };
