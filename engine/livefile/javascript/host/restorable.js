"use strict";
// Objects that pushed code may change and that others use after it: what one execution did to them
// is undone when it ends, and put aside while another one runs in between.
//
// These may be the language's own objects, so nothing here calls a method of a list or a map, walks
// one by its iterator, or assigns to an index: all of that may be what was changed.
//
// Not here: which objects these are (globals.js).

const { defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { is, isExtensible, setPrototypeOf } = Object;

class Restorable {
  #object;
  #wasExtensible;
  #keys;
  #descriptors = []; // Of each key, in the same order.
  #written = []; // The keys that can be assigned to,
  #values = []; // and their values.
  #isThorough;

  // Remember an object as it is now. To be thorough takes several times as long, and sees also what
  // is another one but looks the same: a value that has become a getter.
  constructor(object, isThorough = false) {
    this.#object = object;
    this.#isThorough = isThorough;
    this.#wasExtensible = isExtensible(object);
    this.#keys = ownKeys(object);
    for (let at = 0; at < this.#keys.length; at++) {
      const key = this.#keys[at];
      const descriptor = described(object, key);
      append(this.#descriptors, descriptor);
      if (descriptor.writable) {
        append(this.#written, key);
        append(this.#values, descriptor.value);
      }
    }
  }

  // Return whether the object is as it was remembered; this is so nearly always.
  get isSame() {
    const object = this.#object;
    const now = ownKeys(object);
    const keys = this.#keys;
    if (now.length !== keys.length || isExtensible(object) !== this.#wasExtensible) {
      return false;
    }
    for (let at = 0; at < keys.length; at++) {
      if (now[at] !== keys[at] && !this.#hasKey(now[at])) {
        return false;
      }
    }
    const written = this.#written;
    const values = this.#values;
    for (let at = 0; at < written.length; at++) {
      if (object[written[at]] !== values[at]) {
        return false;
      }
    }
    return !this.#isThorough || this.#isSameThroughout();
  }

  #isSameThroughout() {
    for (let at = 0; at < this.#keys.length; at++) {
      const now = getOwnPropertyDescriptor(this.#object, this.#keys[at]);
      if (!areEqual(now, this.#descriptors[at])) {
        return false;
      }
    }
    return true;
  }

  // Make the object what it was; return whether that was possible.
  restore() {
    if (this.isSame) {
      return true;
    }
    const object = this.#object;
    const keys = ownKeys(object);
    for (let at = 0; at < keys.length; at++) {
      if (!this.#hasKey(keys[at])) {
        deleteProperty(object, keys[at]);
      }
    }
    for (let at = 0; at < this.#keys.length; at++) {
      defineProperty(object, this.#keys[at], this.#descriptors[at]);
    }
    return this.isSame;
  }

  // Make the object what it was, and return what makes it again what it is now.
  putAside() {
    if (this.isSame) {
      return null;
    }
    const object = this.#object;
    const now = new Restorable(object);
    this.restore();
    return () => now.restore();
  }

  #hasKey(key) {
    for (let at = 0; at < this.#keys.length; at++) {
      if (this.#keys[at] === key) {
        return true;
      }
    }
    return false;
  }
}

function append(list, value) {
  const place = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  defineProperty(list, list.length, place);
}

// Return a property as something that inherits nothing, or undefined.
function described(object, key) {
  const descriptor = getOwnPropertyDescriptor(object, key);
  return descriptor && setPrototypeOf(descriptor, null);
}

function areEqual(one, other) {
  return (
    one !== undefined &&
    is(one.value, other.value) &&
    one.get === other.get &&
    one.set === other.set &&
    one.writable === other.writable &&
    one.enumerable === other.enumerable &&
    one.configurable === other.configurable
  );
}

module.exports = { Restorable };
