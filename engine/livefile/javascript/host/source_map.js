"use strict";
// The source map of one module: where in the project a position of its bundle was.
//
// Most maps are never asked, and Node's own reader makes each ten times as large as its text and a
// bundle's slow to load. So the text is kept outside of the heap, and what is read of it for the
// first error is five numbers for each segment.
//
// Not here: stacks (errors.js).

const { Buffer } = require("node:buffer");

const DIGITS = new Uint8Array(256).fill(255);
for (const [digit, letter] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
].entries()) {
  DIGITS[letter.charCodeAt(0)] = digit;
}
const CONTINUES = 32;
const FIELDS = 5; // Line and column of the bundle; source, line and column of the project.
const NO_SOURCE = -1;
const COMMA = 44;
const SEMICOLON = 59;

class SourceMap {
  #bytes;
  #sources = null;
  #segments = null; // In the order of the bundle.

  // Take the text, which need not be a map.
  constructor(text) {
    this.#bytes = Buffer.from(text);
  }

  // The paths of the files that the module was made of; none if this is no map.
  get sources() {
    this.#sources ??= this.#tree().sources;
    return this.#sources;
  }

  // Return {source, line, column} of a position, or null. All lines and columns count from 0.
  find(line, column) {
    this.#segments ??= readSegments(this.#tree().mappings);
    const segments = this.#segments;
    let low = 0;
    let high = segments.length / FIELDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * FIELDS;
      if (segments[at] < line || (segments[at] === line && segments[at + 1] <= column)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const [, , index, foundLine, foundColumn] = segments.subarray((low - 1) * FIELDS, low * FIELDS);
    const source = this.sources[index];
    return source === undefined ? null : { source, line: foundLine, column: foundColumn };
  }

  #tree() {
    try {
      const { sources, mappings } = JSON.parse(this.#bytes.toString());
      if (sources.every((each) => typeof each === "string") && typeof mappings === "string") {
        return { sources, mappings };
      }
    } catch {
      // It is none: positions stay those of the bundle.
    }
    return { sources: [], mappings: "" };
  }
}

// Return the fields of all segments of mappings, which are differences in digits of base 64.
function readSegments(mappings) {
  const letters = Buffer.from(mappings, "latin1");
  const separatorsCount = countOf(letters, COMMA) + countOf(letters, SEMICOLON);
  const segments = new Int32Array(FIELDS * (1 + separatorsCount));
  const fields = new Int32Array(FIELDS + 1); // A sixth is a name, which nobody asks for.
  let end = 0;
  let part = 1; // Which field comes next.
  let value = 0;
  let shift = 0;
  for (let position = 0; position <= letters.length; position++) {
    const letter = position < letters.length ? letters[position] : SEMICOLON;
    if (letter === COMMA || letter === SEMICOLON) {
      if (part > 1) {
        segments[end++] = fields[0];
        segments[end++] = fields[1];
        segments[end++] = part < FIELDS ? NO_SOURCE : fields[2];
        segments[end++] = fields[3];
        segments[end++] = fields[4];
      }
      if (letter === SEMICOLON) {
        fields[0]++;
        fields[1] = 0;
      }
      part = 1;
    } else {
      const digit = DIGITS[letter];
      value |= (digit & (CONTINUES - 1)) << shift;
      shift += 5;
      if ((digit & CONTINUES) === 0) {
        fields[part] += value & 1 ? -(value >>> 1) : value >>> 1;
        part = Math.min(part + 1, FIELDS);
        value = 0;
        shift = 0;
      }
    }
  }
  return segments.subarray(0, end);
}

function countOf(letters, letter) {
  let count = 0;
  for (let position = letters.indexOf(letter); position >= 0; count++) {
    position = letters.indexOf(letter, position + 1);
  }
  return count;
}

module.exports = { SourceMap };
