"use strict";
// Frames to and from the engine for a process that does many things at once: they are read on the
// event loop, as they come.
//
// Writing blocks until the engine's pipe has room, which it reads at all times.
// Not here: what a frame is (channel.js), what it means (actions.js).

const { Buffer } = require("node:buffer");
const { Channel, HEAD_BYTES } = require("./channel");

const { stdin } = process;
const exit = process.exit.bind(process, 0);

class EventChannel {
  #channel = new Channel();
  #pieces = [];
  #size = 0;

  // Call `handle` with each frame from now on; the process ends with its engine.
  listen(handle) {
    stdin.on("data", (piece) => this.#receive(piece, handle));
    stdin.on("end", exit);
    stdin.on("error", exit);
  }

  // Send a frame, given as its JSON text.
  send(text) {
    this.#channel.send(text);
  }

  // Pieces of a frame are joined once it is whole, not each time that one comes.
  #receive(piece, handle) {
    this.#pieces.push(piece);
    this.#size += piece.length;
    let wanted = this.#wanted();
    while (this.#size >= wanted) {
      const all = this.#joined();
      const frame = JSON.parse(all.utf8Slice(HEAD_BYTES, wanted));
      this.#pieces = [all.subarray(wanted)];
      this.#size = all.length - wanted;
      handle(frame);
      wanted = this.#wanted();
    }
  }

  #wanted() {
    if (this.#size < HEAD_BYTES) {
      return HEAD_BYTES;
    }
    if (this.#pieces[0].length < HEAD_BYTES) {
      this.#pieces = [this.#joined()];
    }
    return HEAD_BYTES + this.#pieces[0].readUInt32LE(0);
  }

  #joined() {
    return this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
  }
}

module.exports = { EventChannel };
