"use strict";
// Time and chance as queries and mutations see them: a clock that stands, dice from a seed.
//
// Not here: the other globals (globals.js); actions, whose clock and dice are real.

const { Buffer } = require("node:buffer");
const { currentExecution } = require("./current");

const RealDate = Date;
const RANDOM_BYTES_MAX = 65536;

// Dice of 32 bits a throw, from a seed in hexadecimal digits: xoshiro128** (Blackman and Vigna,
// "Scrambled linear pseudorandom number generators", 2018).
class Dice {
  #state;

  constructor(seed) {
    const digits = seed.padEnd(32, "9e3779b97f4a7c15").slice(0, 32);
    this.#state = new Uint32Array(4);
    for (let part = 0; part < 4; part++) {
      this.#state[part] = Number.parseInt(digits.slice(8 * part, 8 * part + 8), 16) ^ (part + 1);
    }
    for (let throws = 0; throws < 16; throws++) {
      this.next();
    }
  }

  next() {
    const state = this.#state;
    const result = Math.imul(rotated(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotated(state[3], 11);
    return result;
  }

  fraction() {
    return (this.next() * 0x200000 + (this.next() >>> 11)) / 0x20000000000000;
  }

  fill(array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let position = 0; position < bytes.length; position++) {
      bytes[position] = this.next() >>> 24;
    }
  }
}

function rotated(word, count) {
  return (word << count) | (word >>> (32 - count));
}

// Return the dice of an execution: one set for its modules, another one for its functions.
function dice() {
  const execution = currentExecution();
  if (execution === null) {
    throw new Error("there is no chance outside of an execution");
  }
  if (execution.isImporting) {
    execution.importDice ??= new Dice(execution.spec.importSeed);
    return execution.importDice;
  }
  execution.observed.random = true;
  execution.dice ??= new Dice(execution.spec.seed);
  return execution.dice;
}

// Return the time: milliseconds since 1970.
function now() {
  const execution = currentExecution();
  if (execution === null) {
    return 0;
  }
  if (execution.isImporting) {
    return execution.spec.importTime;
  }
  execution.observed.time = true;
  return Math.floor(execution.spec.now);
}

// The global `Date`. Its prototype is not the language's own, which is frozen: some packages change
// the one that they find.
function SeededDate(...args) {
  if (new.target === undefined) {
    return new RealDate(now()).toString();
  }
  return Reflect.construct(RealDate, args.length === 0 ? [now()] : args, new.target);
}

const functionHasInstance = Function.prototype[Symbol.hasInstance];

Object.defineProperties(SeededDate, {
  name: { value: "Date", configurable: true },
  length: { value: RealDate.length, configurable: true },
  prototype: {
    value: Object.create(RealDate.prototype, {
      constructor: { value: SeededDate, writable: true, configurable: true },
    }),
    writable: false,
  },
  now: { value: now, writable: true, configurable: true },
  parse: { value: RealDate.parse, writable: true, configurable: true },
  UTC: { value: RealDate.UTC, writable: true, configurable: true },
  // A copy that the web's functions make is a date of the language's own.
  [Symbol.hasInstance]: {
    value(thing) {
      return this === SeededDate
        ? Object.prototype.isPrototypeOf.call(RealDate.prototype, thing)
        : functionHasInstance.call(this, thing);
    },
    configurable: true,
  },
});

const seededMath = Object.create(Object.prototype, {
  ...Object.getOwnPropertyDescriptors(Math),
  random: { value: () => dice().fraction(), writable: true, configurable: true },
});

// Return the global `crypto`, with other dice.
function seededCrypto(real) {
  return Object.freeze({
    subtle: Object.freeze(real.subtle),
    getRandomValues(array) {
      checkRandomTarget(array);
      dice().fill(array);
      return array;
    },
    randomUUID() {
      const bytes = new Uint8Array(16);
      dice().fill(bytes);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const digits = Buffer.from(bytes.buffer).toString("hex");
      return [0, 8, 12, 16, 20]
        .map((start, part) => digits.slice(start, [8, 12, 16, 20, 32][part]))
        .join("-");
    },
  });
}

function checkRandomTarget(array) {
  const kind = Object.prototype.toString.call(array);
  const isInteger = ArrayBuffer.isView(array) && !/Float|DataView/.test(kind);
  if (!isInteger) {
    throw new TypeError("crypto.getRandomValues takes an array of integers");
  }
  if (array.byteLength > RANDOM_BYTES_MAX) {
    throw new DOMException(
      `${array.byteLength} bytes are more than ${RANDOM_BYTES_MAX}`,
      "QuotaExceededError",
    );
  }
}

module.exports = { now, seededCrypto, SeededDate, seededMath };
