"use strict";
// Files of actions: blobs on their way to and from the engine, a piece at a time.
//
// Not here: addresses and metadata of files, which are calls like others.

const { Buffer } = require("node:buffer");

const PIECE_BYTES = 256 * 1024;
// Blobs of one action that are stored at one time. Each is a call that ends after those which hand
// over its pieces, so there must always be room for these.
const STORES_MAX = 100;

// Store a blob; return a promise of its id.
async function storeBlob({ blob, options }, execution) {
  if (!(blob instanceof Blob)) {
    throw new TypeError("storage.store() takes a Blob, such as `await response.blob()`");
  }
  const stores = (execution.stores ??= { count: 0, waiting: [] });
  if (stores.count === STORES_MAX) {
    await new Promise((resolve) => stores.waiting.push(resolve)); // For the place of another one.
  } else {
    stores.count++;
  }
  try {
    return await storeNow(blob, options, execution);
  } finally {
    const next = stores.waiting.shift();
    if (next === undefined) {
      stores.count--;
    } else {
      next();
    }
  }
}

async function storeNow(blob, options, execution) {
  execution.nextStream = (execution.nextStream ?? 0) + 1;
  const stream = execution.nextStream;
  const begun = { stream, contentType: blob.type || null, sha256: options?.sha256 ?? null };
  const stored = execution.call("livefile/store", JSON.stringify(begun));
  stored.catch(() => {}); // Is looked at below, after the pieces.
  for (let start = 0; start < blob.size; start += PIECE_BYTES) {
    const piece = await textOf(blob.slice(start, start + PIECE_BYTES));
    if (!JSON.parse(await execution.call("livefile/storePiece", `{"stream":${stream},${piece}}`))) {
      break; // The file was refused: there is no need of the rest.
    }
  }
  await execution.call("livefile/storePiece", `{"stream":${stream},"piece":null}`);
  return JSON.parse(await stored);
}

async function textOf(blob) {
  const bytes = Buffer.from(await blob.arrayBuffer());
  return `"piece":"${bytes.toString("base64")}"`;
}

// Return a promise of a stored file as a blob, of null if there is none.
async function getBlob({ storageId }, execution) {
  const asked = JSON.stringify({ storageId });
  const found = JSON.parse(await execution.call("livefile/openFile", asked));
  if (found === null) {
    return null;
  }
  const pieces = [];
  let start = 0;
  while (start < found.size) {
    const args = `{"file":${found.file},"start":${start}}`;
    const text = JSON.parse(await execution.call("livefile/readFile", args));
    const piece = Buffer.from(text, "base64");
    pieces.push(piece);
    start += piece.length;
  }
  return new Blob(pieces, { type: found.contentType ?? "" });
}

module.exports = { getBlob, storeBlob };
