"use strict";
// What the engine is told of a thrown thing: the text that a client reads, and a ConvexError's data.
//
// Whatever is thrown, reading it may run code of its own, which may throw again.

const util = require("node:util");
const { SCHEME } = require("./modules");

const FRAME = /^\s*at (async )?(?:(.*?) \()?convex:\/(.+?):(\d+):(\d+)\)?$/;
const LINE = /^(.*?)( \{)?$/s;
const IS_FRAME = /^\s*at .*:\d+\)?$/;
const LIBRARY = "node_modules/convex/";
const FRAMES_MAX = 20;
const MESSAGE_LENGTH_MAX = 100000;

// Return {message, data}: "Uncaught Error: ...\n    at ...", and JSON text or null.
function describe(thrown, code) {
  try {
    if (!(thrown instanceof Error)) {
      return { message: `Uncaught ${shown(thrown)}`.toWellFormed(), data: dataOf(thrown) };
    }
    const head = `Uncaught ${thrown.name}: ${thrown.message}`.slice(0, MESSAGE_LENGTH_MAX);
    // A nested call's error has the frames of that call in its text; a line keeps them apart.
    const gap = head.includes("\n    at ") ? [""] : [];
    const message = [head, ...gap, ...frames(thrown, code)].join("\n").toWellFormed();
    return { message, data: dataOf(thrown) };
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
  return isMarked && typeof thrown.data === "string" ? thrown.data.toWellFormed() : null;
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

// Return a text that was printed, in which errors show the project's files, and neither the
// library's nor the engine's.
function withOwnFrames(text, code) {
  if (!text.includes("\n    at ")) {
    return text;
  }
  const own = [];
  for (const line of text.split("\n")) {
    const [, place, opening = ""] = LINE.exec(line); // A brace opens what else an error has.
    const shown = ownLine(place, code);
    if (shown !== null) {
      own.push(shown + opening);
    } else if (opening !== "") {
      own[own.length - 1] += opening;
    }
  }
  return own.join("\n");
}

// Return a line of a text, null if it is a frame of the engine, of Node or of the library.
function ownLine(line, code) {
  const found = FRAME.exec(line);
  if (found === null) {
    const isOfEngine = IS_FRAME.test(line) && (line.includes("node:") || line.includes(__dirname));
    return isOfEngine ? null : line;
  }
  const { text, isLibrary } = frame(found, code);
  return isLibrary ? null : line.slice(0, line.indexOf("at ")) + text.trimStart();
}

function frame([, wait = "", name = "<anonymous>", path, line, column], code) {
  const at = code.original(path, Number(line), Number(column));
  const place = at ? `${at.source}:${at.line}:${at.column}` : `${path}:${line}:${column}`;
  return { text: `    at ${wait}${name} (${place})`, isLibrary: place.includes(LIBRARY) };
}

module.exports = { describe, withOwnFrames };
