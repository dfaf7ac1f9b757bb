"use strict";
// Values as the engine's JSON has them, for code of our own: pushed bundles have a library for it.
//
// Integers of 64 bits are `{"$integer"}`, bytes `{"$bytes"}`, numbers that JSON lacks `{"$float"}`,
// each with base64. Not here: which values a document may have; the engine checks that.

const { Buffer } = require("node:buffer");

const INTEGER_MIN = -(2n ** 63n);
const INTEGER_MAX = 2n ** 63n - 1n;

// Return what JSON.stringify makes the engine's JSON of. What is undefined is left out of objects.
function encode(value) {
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $float: doubleText(value) };
    case "bigint":
      return { $integer: integerText(value) };
    case "object":
      return value === null ? null : encodeObject(value);
    default:
      throw new TypeError(`${shown(value)} is no value that Convex knows`);
  }
}

function encodeObject(value) {
  if (Array.isArray(value)) {
    return value.map(encode);
  }
  if (value instanceof ArrayBuffer) {
    return { $bytes: Buffer.from(value).toString("base64") };
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new TypeError(`${shown(value)} is no value that Convex knows: want a plain object`);
  }
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(fields.map(([name, item]) => [name, encode(item)]));
}

// Return the value that parsed JSON of the engine stands for.
function decode(tree) {
  if (tree === null || typeof tree !== "object") {
    return tree;
  }
  if (Array.isArray(tree)) {
    return tree.map(decode);
  }
  const entries = Object.entries(tree);
  if (entries.length === 1) {
    const [[name, text]] = entries;
    switch (name) {
      case "$integer":
        return Buffer.from(text, "base64").readBigInt64LE();
      case "$float":
        return Buffer.from(text, "base64").readDoubleLE();
      case "$bytes":
        return Uint8Array.from(Buffer.from(text, "base64")).buffer;
    }
  }
  return Object.fromEntries(entries.map(([name, item]) => [name, decode(item)]));
}

function integerText(value) {
  if (value < INTEGER_MIN || value > INTEGER_MAX) {
    throw new RangeError(`${value} does not fit into 64 bits`);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes.toString("base64");
}

function doubleText(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString("base64");
}

function shown(value) {
  return typeof value === "object" ? (value.constructor?.name ?? "an object") : String(value);
}

module.exports = { decode, encode };
