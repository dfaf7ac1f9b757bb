"use strict";
// Frames to and from the engine: four bytes of length, little-endian, then JSON in UTF-8.
//
// Reading and writing block, which is the cheapest way for a process that has nothing else to do.
// Not here: what the frames mean (main.js); frames on the event loop (event_channel.js).

const { Buffer } = require("node:buffer");
const fs = require("node:fs");

const INPUT = 0;
const OUTPUT = 1;
const HEAD_BYTES = 4;

class Channel {
  #buffer = Buffer.allocUnsafeSlow(1 << 16);
  #start = 0;
  #end = 0;

  // Return the next frame; the process ends with its engine.
  receive() {
    this.#fill(HEAD_BYTES);
    const size = this.#buffer.readUInt32LE(this.#start);
    this.#fill(HEAD_BYTES + size);
    const first = this.#start + HEAD_BYTES;
    const frame = JSON.parse(this.#buffer.utf8Slice(first, first + size));
    this.#start = first + size;
    return frame;
  }

  // Send a frame, given as its JSON text.
  send(text) {
    const frame = frameOf(text);
    let sent = 0;
    while (sent < frame.length) {
      sent += orQuit(() => fs.writeSync(OUTPUT, frame, sent));
    }
  }

  #fill(wanted) {
    if (this.#end - this.#start >= wanted) {
      return;
    }
    if (this.#start + wanted > this.#buffer.length) {
      const size = Math.max(wanted, 1 << 16);
      const next = size > this.#buffer.length ? Buffer.allocUnsafeSlow(size) : this.#buffer;
      this.#buffer.copy(next, 0, this.#start, this.#end);
      this.#buffer = next;
      this.#end -= this.#start;
      this.#start = 0;
    }
    while (this.#end - this.#start < wanted) {
      const room = this.#buffer.length - this.#end;
      this.#end += orQuit(() => fs.readSync(INPUT, this.#buffer, this.#end, room, null));
    }
  }
}

const quit = process.exit.bind(process, 0);

// Return how many bytes were moved; without an engine at the other end there is nothing to do.
function orQuit(move) {
  let count = 0;
  try {
    count = move();
  } catch {
    // Its end was closed while there was something on the way.
  }
  if (count === 0) {
    quit();
  }
  return count;
}

// Return a frame's bytes.
function frameOf(text) {
  const size = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + size);
  frame.writeUInt32LE(size, 0);
  frame.utf8Write(text, HEAD_BYTES, size);
  return frame;
}

module.exports = { Channel, HEAD_BYTES };
