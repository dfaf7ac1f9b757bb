"use strict";
// Pushed modules: from the text of a bundle to live objects.
//
// Bundles are ES modules of one regular form: imports first, then the body, then one export block.
// Each becomes the body of a function of (exports, import), compiled once for the process. A graph
// of them is instantiated anew for each execution, so that no state of a module outlives it; that
// is many times cheaper than a realm of its own.
//
// Not here: running a function of a module (execution.js).

const vm = require("node:vm");
const { posix } = require("node:path");
const { freezeShared } = require("./shared_objects");
const { SourceMap } = require("./source_map");

const IMPORT = /\s*(?:\/\/[^\n]*\n\s*)*import\b\s*(?:([^"';]*?)\s*\bfrom\s*)?["']([^"']+)["']\s*;?/y;
// After it there may be comments: the licences of what was bundled.
const EXPORT =
  /(^|[\n;}])\s*export\s*\{([^{}]*)\}\s*;?\s*(?:(?:\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/)\s*)*$/;
// Only code that nobody bundled has one, and imports what the engine has (reader.js).
const EXPORT_DEFAULT = /(^|[\n;}])(\s*)export\s+default\b/;
// `import("./chunk.js")` in the body: a module that is loaded when the function comes to it.
const IMPORT_LATER = /(?<![\w$.])import\((?="\.{1,2}\/[^"\\\n]+"\))/g;
const LATER = "$later("; // As long as what it replaces, so that columns stay where they were.
const SCHEME = "convex:/";

// Files of these folders keep no state: the library itself, and what its own tool generates.
const STATELESS = /(^|\/)(node_modules\/convex|_generated)\//;

// The modules of one component definition, as they were pushed.
class Code {
  // By path. No maps, whose methods code may be able to change.
  #sources = Object.create(null);
  #compiled = Object.create(null);
  #shared = Object.create(null);
  #maps = Object.create(null);
  #locals = null;

  // `sources` are text and source map, which may be null, by path.
  constructor(sources) {
    for (const [path, [text, map]] of Object.entries(sources)) {
      this.#sources[path] = text;
      if (map) {
        this.#maps[path] = new SourceMap(map);
      }
    }
  }

  has(path) {
    return this.#sources[path] !== undefined;
  }

  // Do now what the first execution would wait for. What fails here fails there again.
  prepare() {
    for (const path of Object.keys(this.#sources)) {
      try {
        this.compiled(path);
        this.shared(path);
      } catch {
        continue;
      }
    }
  }

  compiled(path) {
    let found = this.#compiled[path];
    if (found === undefined) {
      if (!this.has(path)) {
        throw new Error(`Could not find module ${path}`);
      }
      this.#locals ??= localsOf(Object.values(this.#sources));
      found = compile(path, this.#sources[path], this.#locals);
      this.#compiled[path] = found;
    }
    return found;
  }

  source(path) {
    return this.#sources[path];
  }

  // Return the instance that all executions share, null of a module that may keep state.
  shared(path) {
    let found = this.#shared[path];
    if (found === undefined) {
      found = null;
      if (this.#isStateless(path)) {
        found = Object.create(null);
        const load = (specifier) => this.shared(resolve(path, specifier));
        this.compiled(path).call(undefined, found, load, async (specifier) => load(specifier));
        freezeShared(found);
      }
      this.#shared[path] = found;
    }
    return found;
  }

  #isStateless(path) {
    const sources = this.#maps[path]?.sources ?? [];
    const imported = importsOf(this.#sources[path] ?? "");
    return (
      sources.length > 0 &&
      sources.every((source) => STATELESS.test(source)) &&
      imported.every((specifier) => specifier.startsWith(".")) &&
      imported.every((specifier) => this.#isStateless(resolve(path, specifier)))
    );
  }

  // Return where a position of a module was in the project: {source, line, column} or null.
  // Lines and columns count from 1.
  original(path, line, column) {
    const found = this.#maps[path]?.find(line - 1, column - 1) ?? null;
    return (
      found && {
        source: fromRoot(path, found.source),
        line: found.line + 1,
        column: found.column + 1,
      }
    );
  }
}

// The instances of one execution.
class Instances {
  #code;
  #modules = Object.create(null);
  #extra;

  // `extra` answers imports that are no modules of the code: a function of the specifier, which
  // returns the module's exports, or undefined.
  constructor(code, extra) {
    this.#code = code;
    this.#extra = extra;
  }

  load(path) {
    let exports = this.#modules[path] ?? this.#code.shared(path) ?? undefined;
    if (exports === undefined) {
      exports = Object.create(null);
      this.#modules[path] = exports;
      const run = this.#code.compiled(path);
      const load = (specifier) => this.#import(path, specifier);
      run.call(undefined, exports, load, async (specifier) => load(specifier));
    }
    return exports;
  }

  #import(importer, specifier) {
    const extra = this.#extra?.(specifier, importer);
    if (extra !== undefined) {
      return extra;
    }
    if (!specifier.startsWith(".")) {
      throw new Error(`${importer} imports ${specifier}, which was not pushed`);
    }
    return this.load(resolve(importer, specifier));
  }
}

// Return a source's path from the folder of the pushed modules, as `../convex/messages.ts`.
function fromRoot(path, source) {
  const isInside = !source.startsWith("../");
  return isInside ? source : posix.join(posix.dirname(path), source);
}

function resolve(importer, specifier) {
  const parts = importer.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      parts.pop();
    } else if (part !== ".") {
      parts.push(part);
    }
  }
  return parts.join("/");
}

// Names that modules see in place of globals, which Node's own code needs as they are.
let locals = {};

// From now on, let modules see these values under these names.
function setLocals(valuesByName) {
  locals = valuesByName;
}

// Return those that code sees. What it makes a global itself, as polyfills do, it sees as made.
function localsOf(sources) {
  const isHidden = ([name, value]) => {
    const set = new RegExp(`\\b(?:globalThis|self)\\.${name}\\s*(?:\\?\\?|\\|\\|)?=(?!=)`);
    return value !== undefined || !sources.some((source) => set.test(source));
  };
  return Object.entries(locals).filter(isHidden);
}

function compile(path, source, seen) {
  // In a block, so that a module may declare one of the names itself.
  const body = `"use strict";{${transform(path, source)}\n}`;
  const names = [...seen.map(([name]) => name), "$livefile_exports", "$livefile_import", "$later"];
  const run = vm.compileFunction(body, names, { filename: SCHEME + path });
  return run.bind(undefined, ...seen.map(([, value]) => value));
}

// Return what a module imports.
function importsOf(source) {
  const specifiers = [];
  IMPORT.lastIndex = 0;
  for (let found = IMPORT.exec(source); found !== null; found = IMPORT.exec(source)) {
    specifiers.push(found[2]);
  }
  return specifiers;
}

// Return the body of the function that a module becomes; lines stay where they were.
function transform(path, source) {
  const imports = [];
  let end = 0;
  for (;;) {
    IMPORT.lastIndex = end;
    const found = IMPORT.exec(source);
    if (found === null) {
      break;
    }
    imports.push(importText(found[1], found[2]) + lineBreaks(found[0]));
    end = IMPORT.lastIndex;
  }
  let rest = source.slice(end);
  let exported = "";
  const found = EXPORT.exec(rest);
  if (found !== null) {
    exported = exportText(found[2]);
    rest = rest.slice(0, found.index + found[1].length);
  } else if (source.includes(SCHEME)) {
    rest = rest.replace(EXPORT_DEFAULT, "$1$2$$livefile_exports.default =");
  }
  // The exports come first, as getters: a module that is asked for while it runs is there.
  return `"use strict";${exported}${imports.join("")}${rest.replace(IMPORT_LATER, () => LATER)}`;
}

function importText(names, specifier) {
  const load = `$livefile_import(${JSON.stringify(specifier)})`;
  if (names === undefined) {
    return `${load};`;
  }
  const block = /^\s*(?:([\w$]+)\s*,?\s*)?(?:\*\s*as\s+([\w$]+)|\{([^}]*)\})?\s*$/.exec(names);
  if (block === null) {
    throw new SyntaxError(`cannot read the import of ${specifier}: import ${names}`);
  }
  const [, standard, whole, listed] = block;
  const picked = (listed ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map((item) => item.replace(/\s+as\s+/, ": "));
  if (standard !== undefined) {
    picked.unshift(`default: ${standard}`);
  }
  const statements = [];
  if (picked.length > 0) {
    statements.push(`const {${picked.join(", ")}} = ${load};`);
  }
  if (whole !== undefined) {
    statements.push(`const ${whole} = ${load};`);
  }
  return statements.join("");
}

function exportText(listed) {
  const getters = listed
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map((item) => {
      const [local, name = local] = item.split(/\s+as\s+/);
      const key = /^["']/.test(name) ? name : JSON.stringify(name);
      return `${key}: {enumerable: true, get: () => ${local}}`;
    });
  return `Object.defineProperties($livefile_exports, {${getters.join(", ")}});`;
}

function lineBreaks(text) {
  return "\n".repeat(text.split("\n").length - 1);
}

module.exports = { Code, Instances, SCHEME, setLocals };
