"use strict";
// The language's own objects, as pushed code finds them: frozen, so that one execution changes
// nothing for the next. In a host for code that changes them while it is loaded, as polyfills do,
// those that such code changes stay open, and whoever runs it puts them back (globals.js).
//
// Not here: the web's classes and the other globals (globals.js).

// What holds parts of the language that no global names.
function hiddenObjects() {
  const text = new Intl.Segmenter().segment("a");
  return [
    [].values(),
    new Map().values(),
    new Set().values(),
    "".matchAll(/./g),
    ""[Symbol.iterator](),
    [].values().map(String),
    Iterator.from({ next() {} }),
    text,
    text[Symbol.iterator](),
    function* () {},
    async () => {},
    async function* () {},
  ].map(Object.getPrototypeOf);
}

// Return the objects that code may want to change: constructors, prototypes and namespaces.
function changeableObjects(globals) {
  const found = new Set([Object.prototype]); // First: what is put back after it inherits from it.
  for (const global of [...globals, ...Object.values(ownParts(Intl))]) {
    for (const object of [global, global?.prototype]) {
      if (isObject(object)) {
        found.add(object);
      }
    }
  }
  found.add(Array.prototype[Symbol.unscopables]);
  found.add(Object.getPrototypeOf(Int8Array));
  found.add(Object.getPrototypeOf(Int8Array.prototype));
  return found;
}

function ownParts(namespace) {
  const names = Object.getOwnPropertyNames(namespace);
  return Object.fromEntries(names.map((name) => [name, namespace[name]]));
}

// Return the objects and all that is reachable from them.
function reachable(objects) {
  const found = new Set(objects);
  for (const object of found) {
    const parts = [Object.getPrototypeOf(object)];
    for (const key of Reflect.ownKeys(object)) {
      const { value, get, set } = Object.getOwnPropertyDescriptor(object, key);
      parts.push(value, get, set);
    }
    for (const part of parts.filter(isObject)) {
      found.add(part); // A set that grows is walked to its new end.
    }
  }
  return found;
}

function isObject(value) {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

// Freeze what is reachable from the language's globals, but `kept`; return what was left open for
// code that changes it: `Error` in any case, because many packages set how long stacks are.
function freezeLanguage(globals, isOpen, kept) {
  const changeable = changeableObjects(globals);
  const open = isOpen ? changeable : new Set([Error]);
  for (const object of reachable([...changeable, ...hiddenObjects()])) {
    if (!open.has(object) && !kept.includes(object)) {
      letInstancesOverride(object);
      Object.freeze(object);
    }
  }
  return [...open];
}

// What is below an object that will be frozen could not be assigned a property of the same name,
// which Node's own code and many packages do.
function letInstancesOverride(object) {
  if (typeof object === "function" && object !== Function.prototype) {
    return;
  }
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor.configurable && descriptor.writable) {
      const { value, enumerable } = descriptor;
      const get = () => value;
      const set = function (assigned) {
        if (this === object) {
          throw new TypeError(`Cannot assign to read only property '${String(key)}' of object`);
        }
        Object.defineProperty(this, key, {
          value: assigned,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      };
      for (const own of [get, set, set.prototype]) {
        Object.freeze(own);
      }
      Object.defineProperty(object, key, { get, set, enumerable });
    }
  }
}

module.exports = { freezeLanguage, letInstancesOverride };
