"use strict";
// `Request` and what is given to `fetch` as functions know it from Convex: a stream may be the body.
//
// Node wants `duplex: "half"` beside such a body and throws without; Convex does not ask for it.
//
// Not here: requests that HTTP actions answer (http.js).

function makeRequest(Request) {
  return new Proxy(Request, {
    construct(target, [input, options, ...rest], newTarget) {
      return Reflect.construct(target, [input, withDuplex(options), ...rest], newTarget);
    },
  });
}

// Return the options of a request, with what a body that is a stream needs.
function withDuplex(options) {
  const isStream = options?.body instanceof ReadableStream && options.duplex === undefined;
  return isStream ? { ...options, duplex: "half" } : options;
}

module.exports = { makeRequest, withDuplex };
