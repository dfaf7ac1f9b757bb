"use strict";
// What the engine is told of a thrown thing: the text that a client reads, and a ConvexError's data.
//
// Whatever is thrown, reading it may run code of its own, which may throw again.

const util = require("node:util");
const { SCHEME } = require("./modules");

const FRAME = /^\s*at (?:(.*?) \()?(?:convex:\/)(.+?):(\d+):(\d+)\)?$/;
const LIBRARY = "node_modules/convex/";
const FRAMES_MAX = 20;
const MESSAGE_LENGTH_MAX = 100000;

// Return {message, data}: "Uncaught Error: ...\n    at ...", and JSON text or null.
function describe(thrown, code) {
  try {
    if (!(thrown instanceof Error)) {
      return { message: `Uncaught ${shown(thrown)}`, data: dataOf(thrown) };
    }
    const head = `Uncaught ${thrown.name}: ${thrown.message}`.slice(0, MESSAGE_LENGTH_MAX);
    return { message: [head, ...frames(thrown, code)].join("\n"), data: dataOf(thrown) };
  } catch {
    return { message: "Uncaught Error: what was thrown cannot be read", data: null };
  }
}

function shown(thrown) {
  return util.inspect(thrown, { customInspect: false, getters: false }).slice(0, MESSAGE_LENGTH_MAX);
}

// Return a ConvexError's data as JSON text; the library in the bundle has encoded it.
function dataOf(thrown) {
  const isMarked =
    typeof thrown === "object" && thrown !== null && Symbol.for("ConvexError") in thrown;
  return isMarked && typeof thrown.data === "string" ? thrown.data : null;
}

// Return the lines of the stack, in the project's files, without the library's own at both ends.
function frames(error, code) {
  const own = [];
  for (const line of String(error.stack).split("\n")) {
    const found = FRAME.exec(line);
    if (found !== null && line.includes(SCHEME)) {
      own.push(frame(found, code));
    }
  }
  while (own.length > 0 && own[0].isLibrary) {
    own.shift();
  }
  while (own.length > 0 && own.at(-1).isLibrary) {
    own.pop();
  }
  return own.slice(0, FRAMES_MAX).map((each) => each.text);
}

function frame([, name, path, line, column], code) {
  const at = code.original(path, Number(line), Number(column));
  const place = at ? `${at.source}:${at.line}:${at.column}` : `${path}:${line}:${column}`;
  const text = name ? `    at ${name} (${place})` : `    at ${place}`;
  return { text, isLibrary: place.includes(LIBRARY) };
}

module.exports = { describe };
