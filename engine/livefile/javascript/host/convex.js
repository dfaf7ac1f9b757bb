"use strict";
// The global `Convex`: what the library in a bundle calls for everything outside of its own code.
//
// Queries are read some documents at a time: the engine is asked for the next ones when those at
// hand are used up. Not here: what the engine does with a call.

const { currentExecution } = require("./current");

// How many documents are asked for at first, and at most.
const READ_FIRST = 64;
const READ_MAX = 256;
// What stands for the timestamp that the commit will have; no text of a function looks so in JSON.
const COMMIT_TS = '{"$commitTs":null}';
const LAST = '{"value":null,"done":true}';

// The queries of one execution that are being read.
class Streams {
  #streams = new Map();
  #next = 0;

  open(args) {
    const { query } = JSON.parse(args);
    const id = this.#next++;
    this.#streams.set(id, { query, rows: [], position: 0, isOver: false, count: READ_FIRST });
    return JSON.stringify({ queryId: id });
  }

  async next(execution, args) {
    const { queryId } = JSON.parse(args);
    const stream = this.#streams.get(queryId);
    if (stream === undefined) {
      return LAST;
    }
    if (stream.position === stream.rows.length) {
      if (stream.isOver) {
        return LAST;
      }
      await this.#read(execution, queryId, stream);
      if (stream.rows.length === 0) {
        return LAST;
      }
    }
    return `{"value":${stream.rows[stream.position++]},"done":false}`;
  }

  close(args) {
    const { queryId } = JSON.parse(args);
    return String(this.#streams.delete(queryId));
  }

  async #read(execution, queryId, stream) {
    const asked = { queryId, count: stream.count };
    if (stream.query !== null) {
      asked.query = stream.query;
    }
    stream.query = null;
    stream.count = READ_MAX;
    const answer = JSON.parse(
      await execution.call("livefile/queryRead", JSON.stringify(asked)),
    );
    stream.rows = answer.rows;
    stream.position = 0;
    stream.isOver = answer.isOver;
  }
}

// Return the global. `callAtOnce(op, args)` answers without a promise; `library` has functions
// that take and give objects, by their names.
function makeConvex(callAtOnce, library) {
  const complete = (execution, args) =>
    args.includes(COMMIT_TS)
      ? args.replaceAll(COMMIT_TS, callAtOnce(execution, "livefile/commitTs", "{}"))
      : args;
  return Object.freeze({
    syscall(op, args) {
      const execution = running(op);
      switch (op) {
        case "1.0/queryStream":
          return streamsOf(execution).open(complete(execution, args));
        case "1.0/queryCleanup":
          return streamsOf(execution).close(args);
        default:
          return callAtOnce(execution, op, args);
      }
    },
    asyncSyscall(op, args) {
      const execution = running(op);
      if (op === "1.0/queryStreamNext") {
        return streamsOf(execution).next(execution, args);
      }
      return execution.call(op, complete(execution, args));
    },
    jsSyscall(op, args) {
      const execution = running(op);
      const call = library[op];
      if (call === undefined) {
        throw new Error(`Unknown JS operation ${op}`);
      }
      return call(args, execution);
    },
  });
}

function running(op) {
  const execution = currentExecution();
  if (execution === null || execution.isImporting) {
    throw new Error(`Can't use ${op} at import time, outside of a function`);
  }
  return execution;
}

function streamsOf(execution) {
  execution.streams ??= new Streams();
  return execution.streams;
}

module.exports = { makeConvex };
