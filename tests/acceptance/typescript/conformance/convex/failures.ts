/** Functions that fail, each in its own way. */
import { ConvexError, v, type Value } from "convex/values";
import { api } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { action, internalMutation, internalQuery, mutation, query } from "./_generated/server";
import { refuse } from "./lib/refusal";

const data = { data: v.any() };

export const withData = query({
  args: data,
  handler: (_, args): Value => {
    throw new ConvexError(args.data);
  },
});

export const withDataMutation = mutation({
  args: data,
  handler: (_, args): Value => {
    throw new ConvexError(args.data);
  },
});

export const withDataAction = action({
  args: data,
  handler: async (_, args): Promise<Value> => {
    throw new ConvexError(args.data);
  },
});

/** The data of a nested call's error are passed on as they are. */
export const withDataNested = query({
  args: data,
  handler: async (ctx, args): Promise<Value> => ctx.runQuery(api.failures.withData, args),
});
export const withDataNestedAction = action({
  args: data,
  handler: async (ctx, args): Promise<Value> => ctx.runAction(api.failures.withDataAction, args),
});

export const plain = query({
  args: {},
  handler: () => {
    throw new TypeError("the plain error");
  },
});

export const plainAction = action({
  args: {},
  handler: async () => {
    await Promise.resolve();
    throw new TypeError("the plain error");
  },
});

/** Fails inside a function of another module. */
export const deep = query({ args: {}, handler: () => refuse("deep") });

/** A function without a name fails, and one without a name calls it. */
export const nameless = query(async () => {
  throw new TypeError("in a function without a name");
});
export const callOfNameless = query(async (ctx): Promise<null> => {
  const called = await ctx.runQuery(api.failures.nameless);
  return called;
});

/** Calls of the database throw where they are awaited. */
export const ofDatabase = query({
  args: {},
  handler: async (ctx) => {
    const found = await ctx.db.get("no id" as Id<"people">);
    return found;
  },
});

export const ofIndexRange = query({
  args: {},
  handler: async (ctx) => {
    const found = await ctx.db.query("books").withIndex("absent" as "by_author").collect();
    return found.length;
  },
});

/** What is thrown need not be an Error. */
export const thrownText = query({
  args: {},
  handler: () => {
    throw "only a text";
  },
});

class RefusedError extends ConvexError<{ code: string }> {
  name = "RefusedError";
}

/** A subclass of ConvexError carries its data as well. */
export const subclass = query({
  args: {},
  handler: () => {
    throw new RefusedError({ code: "refused" });
  },
});

/** An error that nobody waits for. */
export const unhandled = query({
  args: {},
  handler: () => {
    void Promise.reject(new Error("nobody waits for this"));
    return new Promise<null>(() => {});
  },
});

/** A promise that nothing can fulfil. */
export const neverResolves = query({
  args: {},
  handler: () => new Promise<null>(() => {}),
});

export const hiddenQuery = internalQuery({ args: {}, handler: () => "hidden" });
export const hiddenMutation = internalMutation({ args: {}, handler: () => "hidden" });

/** Not registered, so no function of the deployment. */
export const notRegistered = () => 1;
