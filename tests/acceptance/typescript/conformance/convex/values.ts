/** Values in and out: what arrives, what is stored, how it is ordered, what is refused. */
import { v, type Value } from "convex/values";
import { action, mutation, query } from "./_generated/server";

const anything = { value: v.any() };

export const echo = query({ args: anything, handler: (_, { value }) => value });
export const echoMutation = mutation({ args: anything, handler: (_, { value }) => value });
export const echoAction = action({ args: anything, handler: (_, { value }) => value });

/** Say which JavaScript values arrived. */
function kindOf(value: Value): string {
  if (value === null) {
    return "null";
  }
  if (value instanceof ArrayBuffer) {
    return `ArrayBuffer(${new Uint8Array(value).join(" ")})`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(kindOf).join(", ")}]`;
  }
  if (typeof value === "object") {
    const fields = Object.entries(value).map(([name, each]) => `${name}: ${kindOf(each!)}`);
    return `{${fields.join(", ")}}`;
  }
  return `${typeof value} ${Object.is(value, -0) ? "-0" : String(value)}`;
}

export const kinds = query({ args: anything, handler: (_, { value }) => kindOf(value) });

/** Store a value and return it as the same mutation reads it back. */
export const store = mutation({
  args: { group: v.string(), value: v.any() },
  handler: async (ctx, { group, value }) => {
    const id = await ctx.db.insert("things", { group, value });
    return (await ctx.db.get(id))!.value;
  },
});

export const storeNothing = mutation({
  args: { group: v.string() },
  handler: (ctx, { group }) => ctx.db.insert("things", { group, value: undefined }),
});

/** The values of a group in the order of their index; "absent" where there is no value. */
export const ordered = query({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    const found = await ctx.db
      .query("things")
      .withIndex("by_value", (q) => q.eq("group", group))
      .collect();
    return found.map((thing) => (thing.value === undefined ? "absent" : thing.value));
  },
});

/** Things that a function may return without being values themselves, and things it may not. */
const RESULTS: Record<string, () => unknown> = {
  nothing: () => undefined,
  "undefined field": () => ({ kept: 1, left: undefined, inner: [{ left: undefined }] }),
  "undefined element": () => [1, undefined],
  "dollar field": () => ({ $field: 1 }),
  "field that is not ASCII": () => ({ größe: 1 }),
  date: () => new Date(0),
  map: () => new Map([["a", 1]]),
  "large bigint": () => 2n ** 63n,
  "a function": () => () => 1,
  "a class": () => new (class Point {})(),
};

export const result = query({
  args: { name: v.string() },
  handler: (_, { name }) => RESULTS[name]() as Value,
});
