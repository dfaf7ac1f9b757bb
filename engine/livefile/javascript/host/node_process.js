"use strict";
// `process` for "use node" actions: Node's own, with the deployment's variables, and without what
// would end or disturb the process, which others run in as well.
//
// Not here: modules (node_modules.js); what an action for the web sees of it (globals.js).

const { Readable, Writable } = require("node:stream");
const { currentExecution } = require("./current");

// Make the changes.
function changeProcess() {
  const real = { ...process.env };
  const refuse = (name) => () => {
    throw new Error(`Can't use process.${name}() in an action: others run in this process`);
  };
  Object.defineProperties(process, {
    env: { value: new Proxy(real, variables), configurable: true },
    stdin: { value: Readable.from([]), configurable: true }, // Ours has the engine's frames.
    stdout: { value: linesTo("LOG"), configurable: true },
    stderr: { value: linesTo("ERROR"), configurable: true },
    exit: { value: refuse("exit"), configurable: true },
    abort: { value: refuse("abort"), configurable: true },
    chdir: { value: refuse("chdir"), configurable: true },
  });
}

// The variables of the deployment go before those of the process, which are few.
const variables = {
  get: (real, name) => merged(real)[name],
  has: (real, name) => name in merged(real),
  ownKeys: (real) => Reflect.ownKeys(merged(real)),
  getOwnPropertyDescriptor: (real, name) => {
    const found = Object.getOwnPropertyDescriptor(merged(real), name);
    return found && { ...found, configurable: true };
  },
  set: (real, name, value) => {
    const own = currentExecution()?.spec.env;
    (own ?? real)[name] = String(value);
    return true;
  },
  deleteProperty: (real, name) => {
    delete currentExecution()?.spec.env?.[name];
    return delete real[name];
  },
};

function merged(real) {
  return { ...real, ...currentExecution()?.spec.env };
}

// Return a stream whose text becomes lines of the running action's log.
function linesTo(level) {
  return new Writable({
    decodeStrings: false,
    write(piece, encoding, done) {
      const text = String(piece).replace(/\n$/, "");
      currentExecution()?.log(level, text);
      done();
    },
  });
}

module.exports = { changeProcess };
