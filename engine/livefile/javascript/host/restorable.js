"use strict";
// Objects that pushed code may change and that others use after it: what one execution did to them
// is undone when it ends, and put aside while another one runs in between.
//
// Not here: which objects these are (globals.js).

class Restorable {
  #object;
  #wasExtensible;
  #keys;
  #descriptors;
  #values; // [key, value] of those that can be assigned.

  // Remember an object as it is now.
  constructor(object) {
    this.#object = object;
    this.#wasExtensible = Object.isExtensible(object);
    this.#keys = Reflect.ownKeys(object);
    this.#descriptors = new Map(
      this.#keys.map((key) => [key, Object.getOwnPropertyDescriptor(object, key)]),
    );
    this.#values = [...this.#descriptors]
      .filter(([, descriptor]) => descriptor.writable)
      .map(([key, descriptor]) => [key, descriptor.value]);
  }

  get isExtensible() {
    return Object.isExtensible(this.#object) || !this.#wasExtensible;
  }

  // Return whether the object is as it was remembered; this is so nearly always.
  get isSame() {
    const keys = Reflect.ownKeys(this.#object);
    return (
      keys.length === this.#keys.length &&
      keys.every((key, position) => key === this.#keys[position]) &&
      this.#values.every(([key, value]) => this.#object[key] === value)
    );
  }

  // Make the object what it was.
  restore() {
    if (this.isSame) {
      return;
    }
    for (const key of Reflect.ownKeys(this.#object)) {
      if (!this.#descriptors.has(key)) {
        delete this.#object[key];
      }
    }
    for (const [key, descriptor] of this.#descriptors) {
      Object.defineProperty(this.#object, key, descriptor);
    }
  }

  // Make the object what it was, and return what makes it again what it is now.
  putAside() {
    if (this.isSame) {
      return null;
    }
    const now = new Map(
      Reflect.ownKeys(this.#object).map((key) => [
        key,
        Object.getOwnPropertyDescriptor(this.#object, key),
      ]),
    );
    this.restore();
    return () => {
      for (const key of this.#keys) {
        if (!now.has(key)) {
          delete this.#object[key];
        }
      }
      for (const [key, descriptor] of now) {
        Object.defineProperty(this.#object, key, descriptor);
      }
    };
  }
}

module.exports = { Restorable };
