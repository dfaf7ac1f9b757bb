/** Time, chance, and what queries and mutations may not do. */
import { v } from "convex/values";
import { api } from "./_generated/api";
import { action, mutation, query } from "./_generated/server";

/** Work that takes a while, so that a clock which runs would show it. */
function work(): number {
  let sum = 0;
  for (let number = 0; number < 2_000_000; number += 1) {
    sum += number % 7;
  }
  return sum;
}

export const times = query({
  args: {},
  handler: async (ctx) => {
    const before = [Date.now(), new Date().getTime()];
    work();
    await ctx.db.query("notes").first();
    return [...before, Date.now(), new Date().getTime()];
  },
});

/** `round` makes each call one of its own: equal queries may share one result. */
export const chances = query({
  args: { round: v.number() },
  handler: () => [Math.random(), Math.random(), Math.random()],
});

export const uuid = query({ args: { round: v.number() }, handler: () => crypto.randomUUID() });

const FORBIDDEN: Record<string, () => unknown> = {
  fetch: () => fetch("http://127.0.0.1:9/"),
  setTimeout: () => new Promise((resolve) => setTimeout(resolve, 1)),
  setInterval: () => new Promise((resolve) => setInterval(resolve, 1)),
};

export const forbidden = query({
  args: { name: v.string() },
  handler: async (_, { name }) => {
    await FORBIDDEN[name]();
  },
});

export const forbiddenMutation = mutation({
  args: { name: v.string() },
  handler: async (_, { name }) => {
    await FORBIDDEN[name]();
  },
});

/** In an action time runs and timers work. */
export const timer = action({
  args: {},
  handler: async () => {
    const started = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return Date.now() - started;
  },
});

/** State of a module does not outlive a call. */
let calls = 0;

export const callsInModule = query({
  args: { round: v.number() },
  handler: () => {
    calls += 1;
    return calls;
  },
});

/** What is changed in the built-ins does not reach the next call. */
export const poison = mutation({
  args: {},
  handler: () => {
    const wrong = () => "poisoned";
    for (const target of [Array.prototype, String.prototype, JSON, globalThis, Promise]) {
      try {
        (target as any).at = wrong;
        (target as any).stringify = wrong;
      } catch {
        // Frozen built-ins are an answer as well.
      }
    }
    return null;
  },
});

export const unharmed = query({
  args: { round: v.number() },
  handler: () => [
    [1, 2].at(-1),
    "ab".at(-1),
    JSON.stringify({ a: 1 }),
    "stringify" in globalThis,
  ],
});

/** Standard things of the web that need nothing from outside. */
export const globals = query({
  args: {},
  handler: async () => {
    const body = new Blob(["of a stream"]).stream();
    const request = new Request("https://example.com/", { method: "POST", body });
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
    return {
      digest: Array.from(new Uint8Array(digest).slice(0, 4)),
      decoded: new TextDecoder().decode(new Uint8Array([0xc3, 0xa4])),
      url: new URL("../b?x=1#y", "https://example.com/a/c").href,
      search: new URLSearchParams({ a: "1 2" }).toString(),
      base64: [btoa("abc"), atob("YWJj")],
      clone: structuredClone({ a: [1] }),
      header: new Headers({ "X-A": "b" }).get("x-a"),
      streamed: [await request.text(), request instanceof Request],
      intl: new Intl.NumberFormat("en-US").format(1234.5),
      absent: [typeof Buffer, typeof window],
    };
  },
});

export const snapshot = query({
  args: {},
  handler: async (ctx): Promise<boolean> => {
    const one = await ctx.runQuery(api.determinism.times, {});
    const other = await ctx.runQuery(api.determinism.times, {});
    return one[0] === other[0];
  },
});
