"use strict";
// What modules export that all executions share: it is frozen, so that none changes it for others.
//
// Not here: which modules these are (modules.js); the language's own objects (intrinsics.js).

const { letInstancesOverride } = require("./intrinsics");

// Freeze what can be reached from a module's exports: functions, classes, plain objects and lists.
function freezeShared(exports) {
  const globals = new Set(Object.getOwnPropertyNames(globalThis).map((name) => globalThis[name]));
  globals.add(Function.prototype);
  const isOwn = (thing) => isPlain(thing) && !globals.has(thing);
  const found = new Set([exports, ...Object.values(exports)]);
  for (const thing of found) {
    if (isOwn(thing)) {
      partsOf(thing).filter(isOwn).forEach((part) => found.add(part)); // Are walked to as well.
      if (typeof thing === "function" && thing.prototype !== undefined) {
        letInstancesOverride(thing.prototype);
        Object.freeze(thing.prototype);
      }
      Object.freeze(thing);
    }
  }
}

// Return what a thing holds; of a class also the one that it extends.
function partsOf(thing) {
  const held = Object.values(Object.getOwnPropertyDescriptors(thing)).map(({ value }) => value);
  return typeof thing === "function" ? [...held, Object.getPrototypeOf(thing)] : held;
}

function isPlain(thing) {
  if (typeof thing !== "object" || thing === null) {
    return typeof thing === "function";
  }
  const prototype = Object.getPrototypeOf(thing);
  return prototype === null || prototype === Object.prototype || Array.isArray(thing);
}

module.exports = { freezeShared };
