"use strict";
// HTTP actions: a request as the web's class, and the response on its way out.
//
// A response whose body is there at once is sent whole; every other one piece by piece, and each
// piece waits until the caller's connection takes it. A request's body is read when somebody asks
// for it.
//
// Not here: which action answers (the router in the bundle, and the engine's own in front of it).

const { Buffer } = require("node:buffer");
const { load } = require("./execution");

const { setImmediate } = globalThis;

const PIECE_BYTES = 256 * 1024;
const WHOLE_BYTES = 1024 * 1024; // A larger body goes out piece by piece.
const LATER = Symbol("later");

// Answer the request of the execution's spec: text of {status, headerPairs, body}, or "null" once
// everything was sent.
async function answerRequest(execution) {
  const { request, route } = execution.spec;
  const router = load(execution, "http.js").default;
  if (router?.isRouter !== true) {
    throw new TypeError("http.js must have a router as its default export: httpRouter()");
  }
  const head = JSON.parse(await router.runRequest(JSON.stringify(request), route));
  const { body } = execution.response;
  if (request.method === "HEAD") {
    await body?.cancel();
    return wholeText(head, []);
  }
  return sendBody(execution, head, body?.getReader() ?? null);
}

function requestFromConvexJson({ convexJson }, execution) {
  const { url, method, headerPairs, streamId } = convexJson;
  const options = { method, headers: headerPairs, signal: execution.aborter.signal };
  if (streamId !== null) {
    options.body = requestBody(execution);
    options.duplex = "half";
  }
  return new Request(url, options);
}

function requestBody(execution) {
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const piece = JSON.parse(await execution.call("livefile/httpRead", "{}"));
      if (piece === null) {
        controller.close();
        controller.byobRequest?.respond(0);
      } else {
        // A copy, because the stream takes the memory over, which small buffers share.
        controller.enqueue(new Uint8Array(Buffer.from(piece, "base64")));
      }
    },
  });
}

function convexJsonFromResponse({ response }, execution) {
  if (!(response instanceof Response)) {
    throw new TypeError("an HTTP action must return a Response");
  }
  execution.response = response;
  return { status: response.status, headerPairs: [...response.headers], streamId: null };
}

async function sendBody(execution, head, reader) {
  const pieces = [];
  let size = 0;
  while (reader !== null) {
    const next = reader.read();
    const settled = size > WHOLE_BYTES ? LATER : await Promise.race([next, later()]);
    if (settled === LATER) {
      return stream(execution, head, reader, pieces, next);
    }
    if (settled.done) {
      break;
    }
    pieces.push(checked(settled.value));
    size += settled.value.length;
  }
  return wholeText(head, pieces);
}

async function stream(execution, head, reader, pieces, next) {
  execution.endings.add(() => reader.cancel().catch(() => {}));
  next.catch(() => {}); // Is looked at below, after what came before.
  await execution.call("livefile/httpHead", JSON.stringify(head));
  for (const piece of pieces) {
    await send(execution, piece);
  }
  for (let found = await next; !found.done; found = await reader.read()) {
    await send(execution, checked(found.value));
  }
  return "null";
}

async function send(execution, piece) {
  for (let start = 0; start < piece.length; start += PIECE_BYTES) {
    const text = base64(piece.subarray(start, start + PIECE_BYTES));
    await execution.call("livefile/httpPiece", `{"piece":"${text}"}`);
  }
}

function checked(piece) {
  if (!(piece instanceof Uint8Array)) {
    throw new TypeError("the body of a Response must yield pieces that are of type Uint8Array");
  }
  return piece;
}

function base64(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function wholeText({ status, headerPairs }, pieces) {
  const body = Buffer.concat(pieces).toString("base64");
  return JSON.stringify({ status, headerPairs, body });
}

function later() {
  return new Promise((resolve) => setImmediate(resolve, LATER));
}

module.exports = { answerRequest, convexJsonFromResponse, requestFromConvexJson };
