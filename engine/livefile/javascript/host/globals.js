"use strict";
// The globals that pushed code finds: the web's, and nothing of the process it runs in.
//
// What the engine's own files here need they have taken hold of before. The web's classes are
// frozen, and globals are put back after each execution.
//
// Not here: the language's own objects (intrinsics.js), time and chance (determinism.js), the
// console (console.js), `Convex` (convex.js).

const { AsyncLocalStorage, AsyncResource } = require("node:async_hooks");
const { currentExecution } = require("./current");
const { freezeLanguage, letInstancesOverride } = require("./intrinsics");
const { makeRequest } = require("./request");
const { makeResponse } = require("./response");
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

// Leave only what pushed code may see; `own` are globals of ours, by their names. Where `isOpen`,
// it may change the language's own objects.
function replaceGlobals(own, isOpen) {
  const kept = new Set([...LANGUAGE, ...WEB]);
  const web = Object.fromEntries(WEB.map((name) => [name, globalThis[name]]));
  const language = LANGUAGE.map((name) => globalThis[name]).filter((it) => it !== globalThis);
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
    Request: makeRequest(web.Request),
    Response: makeResponse(web.Response),
    WeakRef: StrongRef,
    self: globalThis,
    ...own,
  };
  for (const [name, value] of Object.entries(added)) {
    freeze(value, name);
    [value, value?.prototype].forEach(freezeMethods);
    Object.defineProperty(globalThis, name, {
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  }
  delete Atomics.wait; // It would hold up the process, where nobody is who could notify.
  freezeHidden();
  openObjects = freezeLanguage(language, isOpen, changeableGlobals());
  isLanguageOpen = isOpen;
  rememberGlobals();
}

// What of the web has no name of its own but can be reached.
function freezeHidden() {
  const iterable = [new Headers(), new URLSearchParams(), new FormData()];
  for (const each of iterable) {
    Object.freeze(Object.getPrototypeOf(each[Symbol.iterator]()));
  }
  Object.freeze(Object.getPrototypeOf(new ReadableStream()[Symbol.asyncIterator]()));
  Object.freeze(Object.getPrototypeOf(globalThis));
}

function freeze(value, name) {
  if (typeof value === "function" && name !== "Date") {
    Object.freeze(value);
    if (value.prototype !== undefined) {
      letInstancesOverride(value.prototype);
      Object.freeze(value.prototype);
    }
  }
}

// A method can have properties itself, also where the object that has it is put back.
function freezeMethods(object) {
  const { constructor, ...methods } = Object.getOwnPropertyDescriptors(object ?? {});
  for (const each of Object.values(methods)) {
    if (object !== globalThis && typeof each.value === "function") {
      Object.freeze(each.value);
    }
  }
}

let openObjects = []; // Of the language.
let isLanguageOpen = false;
let remembered = null;
let rememberedLanguage = []; // Those of them that are frozen in a host that is not open.

// Return what is open in every host, beside `Error`.
function changeableGlobals() {
  const { Date, Math, console } = globalThis;
  return [globalThis, Date, Date.prototype, Math, console];
}

function rememberGlobals() {
  remembered = changeableGlobals().map((object) => new Restorable(object));
  const rest = openObjects.filter((object) => object !== Error);
  rememberedLanguage = rest.map((object) => new Restorable(object, isLanguageOpen));
  remembered.push(...rememberedLanguage, new Restorable(Error, isLanguageOpen));
}

// Return whether the execution of now has changed what only an open host lets it change.
function hasChangedLanguage() {
  for (let at = 0; at < rememberedLanguage.length; at++) {
    if (!rememberedLanguage[at].isSame) {
      return true;
    }
  }
  return false;
}

// Undo what an execution did to the globals; return whether that was possible: it may have made
// something unchangeable.
function restoreGlobals() {
  let isDone = true;
  for (let at = 0; at < remembered.length; at++) {
    isDone = remembered[at].restore() && isDone;
  }
  return isDone;
}

// Undo it for a while; return what does it again.
function putGlobalsAside() {
  let redo = () => {};
  for (let at = 0; at < remembered.length; at++) {
    const redoThis = remembered[at].putAside();
    const redoOthers = redo;
    redo = redoThis === null ? redo : () => (redoOthers(), redoThis());
  }
  return redo;
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
  hasChangedLanguage,
  hideNetwork,
  makeProcess,
  putGlobalsAside,
  refused,
  replaceGlobals,
  restoreGlobals,
};
