"use strict";
// `Response` as functions know it from Convex: one without a body may be given any.
//
// The web's standard refuses `new Response("", { status: 204 })`, while Convex takes it, and
// published code relies on that. What such a response has for a body is never sent.
//
// Not here: sending it (http.js).

const WITHOUT_BODY = new Set([204, 205, 304]);

function makeResponse(Response) {
  return new Proxy(Response, {
    construct(target, [body, options, ...rest], newTarget) {
      const sent = WITHOUT_BODY.has(Number(options?.status)) ? null : body;
      return Reflect.construct(target, [sent, options, ...rest], newTarget);
    },
  });
}

module.exports = { makeResponse };
