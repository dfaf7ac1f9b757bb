"use strict";
// The globals that pushed code finds: the web's, and nothing of the process it runs in.
//
// What the engine's own files here need they have taken hold of before. The language's intrinsics
// are frozen by a flag of the process, so one execution cannot change them for the next; the web's
// classes are frozen here, and globals are put back after each execution.
//
// Not here: time and chance (determinism.js), the console (console.js), `Convex` (convex.js).

const { AsyncLocalStorage, AsyncResource } = require("node:async_hooks");
const { currentExecution } = require("./current");
const { Restorable } = require("./restorable");

// What a browser's worker would have, and Node offers under the same name.
const WEB = `
  AbortController AbortSignal Blob ByteLengthQueuingStrategy CompressionStream
  CountQueuingStrategy CryptoKey DOMException DecompressionStream Event EventTarget File FormData
  Headers ReadableByteStreamController ReadableStream ReadableStreamBYOBReader
  ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader Request
  Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream
  TransformStream TransformStreamDefaultController URL URLSearchParams WritableStream
  WritableStreamDefaultController WritableStreamDefaultWriter atob btoa queueMicrotask
  structuredClone`
  .trim()
  .split(/\s+/);

// Parts of the language, as the specification lists them.
const LANGUAGE = `
  AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array
  BigUint64Array Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry
  Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl
  Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp
  Set SharedArrayBuffer String SuppressedError Symbol SyntaxError TypeError URIError Uint16Array
  Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly decodeURI
  decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN
  parseFloat parseInt undefined unescape`
  .trim()
  .split(/\s+/);

// The engine cannot watch what the collector does, and a function must not depend on it.
class StrongRef {
  #target;

  constructor(target) {
    this.#target = target;
  }

  deref() {
    return this.#target;
  }
}

class IdleRegistry {
  register() {}

  unregister() {
    return false;
  }
}

// Leave only what pushed code may see; `own` are globals of ours, by their names.
function replaceGlobals(own) {
  const kept = new Set([...LANGUAGE, ...WEB]);
  const web = Object.fromEntries(WEB.map((name) => [name, globalThis[name]]));
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!kept.has(name)) {
      delete globalThis[name];
    }
  }
  const added = {
    ...web,
    AsyncLocalStorage,
    AsyncResource,
    FinalizationRegistry: IdleRegistry,
    WeakRef: StrongRef,
    self: globalThis,
    ...own,
  };
  for (const [name, value] of Object.entries(added)) {
    freeze(value, name);
    Object.defineProperty(globalThis, name, {
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  }
  freezeHidden();
  rememberGlobals();
}

// What has no name of its own but can be reached, and what the process's flag does not freeze.
function freezeHidden() {
  const iterable = [new Headers(), new URLSearchParams(), new FormData()];
  for (const each of iterable) {
    Object.freeze(Object.getPrototypeOf(each[Symbol.iterator]()));
  }
  Object.freeze(Object.getPrototypeOf(new ReadableStream()[Symbol.asyncIterator]()));
  for (const value of LANGUAGE.map((name) => globalThis[name])) {
    freeze(value, value?.name);
  }
}

function freeze(value, name) {
  if (typeof value === "function" && name !== "Date") {
    Object.freeze(value);
    if (value.prototype !== undefined) {
      letInstancesHaveConstructors(value.prototype);
      Object.freeze(value.prototype);
    }
  }
}

// Node assigns `constructor` to some objects, blobs for one, and to what is below a frozen
// property nothing can be assigned.
function letInstancesHaveConstructors(prototype) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "constructor");
  if (descriptor?.configurable && "value" in descriptor) {
    Object.defineProperty(prototype, "constructor", {
      get: () => descriptor.value,
      set(value) {
        if (this !== prototype) {
          Object.defineProperty(this, "constructor", { ...descriptor, value });
        }
      },
      enumerable: false,
    });
  }
}

let remembered = null;

function rememberGlobals() {
  const { Date, Math, console } = globalThis;
  const changeable = [globalThis, Date, Date.prototype, Math, console];
  remembered = changeable.map((object) => new Restorable(object));
}

// Undo what an execution did to the globals; return whether that was possible.
function restoreGlobals() {
  try {
    for (const each of remembered) {
      each.restore();
    }
    return remembered.every((each) => each.isExtensible);
  } catch {
    return false; // It made something unchangeable.
  }
}

// Undo it for a while; return what does it again.
function putGlobalsAside() {
  const changes = remembered.map((each) => each.putAside()).filter((redo) => redo !== null);
  return () => {
    for (const redo of changes) {
      redo();
    }
  };
}

// Return the global `process`: its environment variables are the deployment's. `read(name)` tells
// one that the execution was not given.
function makeProcess(read) {
  const variable = (name) => {
    const execution = currentExecution();
    if (typeof name !== "string" || execution === null) {
      return undefined;
    }
    const given = execution.spec.env;
    const value = given ? given[name] : read(execution, name);
    return value ?? undefined;
  };
  const env = new Proxy(Object.freeze({}), {
    get: (target, name) => variable(name),
    has: (target, name) => variable(name) !== undefined,
    getOwnPropertyDescriptor: () => undefined,
    ownKeys: () => [],
    set: () => false,
  });
  return Object.freeze({ env });
}

// Take away what `fetch` has left on the global object, by which the network can be reached.
function hideNetwork() {
  for (const key of Object.getOwnPropertySymbols(globalThis)) {
    if (key.description.startsWith("undici")) {
      Object.defineProperty(globalThis, key, { value: undefined, writable: false });
    }
  }
  rememberGlobals();
}

// Return a function that says that it works in actions only.
function refused(name) {
  return Object.freeze(() => {
    throw new Error(
      `Can't use ${name} in queries and mutations. Please consider using an action. ` +
        "See https://docs.convex.dev/functions/actions for more details.",
    );
  });
}

module.exports = {
  hideNetwork,
  makeProcess,
  putGlobalsAside,
  refused,
  replaceGlobals,
  restoreGlobals,
};
