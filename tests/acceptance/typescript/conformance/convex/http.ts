/** HTTP actions: what arrives, what is answered, and which route is taken. */
import { httpRouter } from "convex/server";
import { api } from "./_generated/api";
import { httpAction } from "./_generated/server";

const http = httpRouter();

/** Say everything about the request. */
const describe = httpAction(async (ctx, request) => {
  const url = new URL(request.url);
  const identity = await ctx.auth.getUserIdentity().catch(() => null);
  return Response.json({
    method: request.method,
    path: url.pathname,
    search: url.search,
    header: request.headers.get("x-test"),
    body: request.method === "GET" ? null : await request.text(),
    user: identity?.subject ?? null,
  });
});

http.route({ path: "/describe", method: "GET", handler: describe });
http.route({ path: "/describe", method: "POST", handler: describe });
http.route({ path: "/describe", method: "PUT", handler: describe });
http.route({ pathPrefix: "/tree/", method: "GET", handler: describe });
http.route({
  path: "/tree/exact",
  method: "GET",
  handler: httpAction(async () => new Response("exact")),
});

http.route({
  path: "/bytes",
  method: "POST",
  handler: httpAction(async (_, request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return new Response(bytes.reverse(), {
      status: 201,
      headers: { "Content-Type": "application/octet-stream", "X-Length": String(bytes.length) },
    });
  }),
});

http.route({
  path: "/stream",
  method: "GET",
  handler: httpAction(async () => {
    const parts = ["one ", "two ", "three"];
    const body = new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part === undefined) {
          controller.close();
        } else {
          controller.enqueue(new TextEncoder().encode(part));
        }
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/plain" } });
  }),
});

http.route({
  path: "/notes",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const { topic, text } = (await request.json()) as { topic: string; text: string };
    await ctx.runMutation(api.notes.add, { topic, text });
    return new Response(null, { status: 204 });
  }),
});

http.route({
  path: "/request",
  method: "GET",
  handler: httpAction(async (ctx) => Response.json(await ctx.runMutation(api.metadata.request))),
});

http.route({
  pathPrefix: "/empty/",
  method: "GET",
  handler: httpAction(async (_, request) => {
    const status = Number(new URL(request.url).pathname.split("/").at(-1));
    const response = new Response("none of this is sent", { status });
    return response instanceof Response ? response : new Response(null, { status: 500 });
  }),
});

http.route({
  path: "/throw",
  method: "GET",
  handler: httpAction(async () => {
    throw new Error("an HTTP action failed");
  }),
});

export default http;
