"use strict";
// The global `console`: lines of the execution's log, `[LEVEL] text` as clients read them.

const util = require("node:util");
const { currentExecution } = require("./current");

const INSPECT = { customInspect: false, depth: 4, maxStringLength: 40000, breakLength: 80 };
const LONG = 1000;
const ESCAPED = /[\x00-\x1f\x27\x5c\x7f-\x9f]/; // Of characters in quotes.

// Return the console; `now` tells milliseconds, for its timers.
function makeConsole(now) {
  const timers = new Map();
  const counts = new Map();
  const say = (level, items) => {
    const execution = currentExecution();
    if (execution?.hasRoomForLines) {
      execution.log(level, textOf(items));
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
      currentExecution()?.log("LOG", `${textOf(items)}\n${stack}`);
    },
    assert: (isTrue, ...items) => {
      if (!isTrue) {
        currentExecution()?.log("ERROR", `Assertion failed: ${textOf(items)}`);
      }
    },
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      currentExecution()?.log("LOG", `${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => counts.delete(label),
    time: (label = "default") => timers.set(label, now()),
    timeLog: (label = "default") => tellTimer(timers, label, now),
    timeEnd: (label = "default") => {
      tellTimer(timers, label, now);
      timers.delete(label);
    },
  };
  return methods;
}

function tellTimer(timers, label, now) {
  if (timers.has(label)) {
    currentExecution()?.log("INFO", `${label}: ${now() - timers.get(label)}ms`);
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
