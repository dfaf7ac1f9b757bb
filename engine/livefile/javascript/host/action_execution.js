"use strict";
// One action while it runs, beside others: its calls and lines go out when it has done a step.
//
// Not here: what all executions have (execution.js); the event loop's side of it (actions.js).

const { Execution } = require("./execution");

const { setImmediate } = globalThis;

// In UTF-8 and as a text in a frame it is a few times as many bytes (HOST_FRAME_BYTES_MAX).
const TEXT_LENGTH_MAX = 32 * 1024 * 1024;
// As the engine answers at one time (ACTION_CALLS_RUNNING_MAX). The others wait here, where they
// take the memory of this process.
const CALLS_UNDER_WAY_MAX = 1000;

class ActionExecution extends Execution {
  #open = new Map(); // The operation of each call that has no answer yet.
  #sentCount = 0; // Of those in `outgoing`, which is emptied when all are sent.
  #underWayCount = 0;
  #isFlushing = false;
  #flush;
  aborter = new AbortController(); // Aborts what the action was asked by, once nobody waits.
  endings = new Set(); // What to do when it is over.
  isOver = false;

  // `flush` sends what there is to send.
  constructor(id, spec, code, flush) {
    super(id, spec, code);
    this.#flush = flush;
    this.progressed = () => this.#flushLater();
  }

  call(op, args) {
    if (this.isOver || this.settled !== null) {
      throw new Error(`Can't use ${op} after the function has returned`);
    }
    const text = String(args);
    if (text.length > TEXT_LENGTH_MAX) {
      throw new Error(`The arguments of ${op} are too large: ${text.length} characters of JSON`);
    }
    JSON.parse(text); // What is none would spoil the frame, which may be others' as well.
    const answer = super.call(op, text);
    const forget = () => this.#open.delete(answer);
    this.#open.set(answer, op);
    answer.then(forget, forget);
    return answer;
  }

  get hasCallsToSend() {
    const isLeft = this.outgoing.length > this.#sentCount;
    return isLeft && this.#underWayCount < CALLS_UNDER_WAY_MAX;
  }

  takeCalls() {
    const start = this.#sentCount;
    const end = Math.min(
      this.outgoing.length,
      start + CALLS_UNDER_WAY_MAX - this.#underWayCount,
    );
    const taken = this.outgoing.slice(start, end);
    this.#underWayCount += taken.length;
    this.#sentCount = end;
    if (end === this.outgoing.length) {
      this.outgoing = [];
      this.#sentCount = 0;
    } else {
      this.outgoing.fill("", start, end);
    }
    return `[${taken.join(",")}]`;
  }

  deliver(id, isOk, text) {
    this.#underWayCount--;
    if (this.hasCallsToSend) {
      this.#flushLater();
    }
    super.deliver(id, isOk, text);
  }

  // Return how it has ended: {isOk, text}.
  outcome() {
    const { text } = this.settled;
    if (text.length <= TEXT_LENGTH_MAX) {
      return this.settled;
    }
    const message = `Uncaught Error: the result is too large: ${text.length} characters of JSON`;
    return { isOk: false, text: JSON.stringify({ message, data: null }) };
  }

  log(level, text) {
    super.log(level, text);
    this.#flushLater();
  }

  // Tell of calls that nobody waited for.
  warnOfOpenCalls() {
    if (this.#open.size > 0) {
      const names = [...this.#open.values()].map((op) => op.split("/").at(-1));
      const what = names.length === 1 ? "1 call was" : `${names.length} calls were`;
      super.log(
        "WARN",
        `${what} not awaited: ${names.join(", ")}. Nobody hears how that ends, and it may not ` +
          "happen at all; write `await` in front of it.",
      );
    }
  }

  // Nothing of it goes on from here.
  end() {
    this.isOver = true;
    this.aborter.abort();
    for (const ending of this.endings) {
      ending();
    }
    this.endings.clear();
  }

  #flushLater() {
    if (!this.#isFlushing && !this.isOver) {
      this.#isFlushing = true;
      setImmediate(() => {
        this.#isFlushing = false;
        if (!this.isOver) {
          this.#flush(this);
        }
      });
    }
  }
}

module.exports = { ActionExecution };
