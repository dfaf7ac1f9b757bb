/** Functions that call functions. */
import { ConvexError, v } from "convex/values";
import { api, internal } from "./_generated/api";
import { action, internalMutation, mutation, query } from "./_generated/server";

const topic = { topic: v.string() };

export const queryFromQuery = query({
  args: topic,
  handler: async (ctx, args): Promise<string[]> => [
    "called",
    ...(await ctx.runQuery(api.notes.list, args)),
  ],
});

/** The called functions are part of the caller's transaction. */
export const insideOneTransaction = mutation({
  args: topic,
  handler: async (ctx, { topic }): Promise<string[]> => {
    await ctx.runMutation(internal.notes.addInternally, { topic, text: "one" });
    await ctx.db.insert("notes", { topic, text: "two" });
    return await ctx.runQuery(api.notes.list, { topic });
  },
});

export const addAndThrow = internalMutation({
  args: topic,
  handler: async (ctx, { topic }) => {
    await ctx.db.insert("notes", { topic, text: "rolled back" });
    await ctx.scheduler.runAfter(0, internal.notes.addInternally, { topic, text: "scheduled" });
    throw new ConvexError({ topic });
  },
});

/** A called mutation that throws leaves nothing; its caller goes on and keeps its own writes. */
export const catchAndGoOn = mutation({
  args: topic,
  handler: async (ctx, { topic }) => {
    await ctx.db.insert("notes", { topic, text: "before" });
    let caught: unknown = null;
    try {
      await ctx.runMutation(internal.calls.addAndThrow, { topic });
    } catch (error) {
      caught = error instanceof ConvexError ? error.data : String(error);
    }
    await ctx.db.insert("notes", { topic, text: "after" });
    return caught;
  },
});

/** Add notes until there are enough, and tell what remains. */
export const addMany = internalMutation({
  args: { ...topic, count: v.number() },
  handler: async (ctx, { topic, count }) => {
    for (let number = 0; number < count; number++) {
      await ctx.db.insert("notes", { topic, text: String(number) });
    }
    return (await ctx.meta.getTransactionMetrics()).documentsWritten.remaining;
  },
});

/** A called function that ends well although it has used too much. */
export const addManyAndCatch = internalMutation({
  args: { ...topic, count: v.number() },
  handler: async (ctx, args): Promise<null> => {
    await ctx.runMutation(internal.calls.addMany, args).catch(() => null);
    return null;
  },
});

/** Of what is beyond the limits nothing is left, and the caller goes on. */
export const withLimits = mutation({
  args: { ...topic, count: v.number(), limit: v.number(), catches: v.boolean() },
  handler: async (ctx, { topic, count, limit, catches }): Promise<string> => {
    const called = catches ? internal.calls.addManyAndCatch : internal.calls.addMany;
    const options = { transactionLimits: { documentsWritten: limit } };
    await ctx.db.insert("notes", { topic, text: "before" });
    let told: string;
    try {
      told = String(await ctx.runMutation(called, { topic, count }, options));
    } catch (error) {
      told = (error as Error).message;
    }
    await ctx.db.insert("notes", { topic, text: "after" });
    return told;
  },
});

export const letThrough = mutation({
  args: topic,
  handler: async (ctx, { topic }) => {
    await ctx.db.insert("notes", { topic, text: "before" });
    await ctx.runMutation(internal.calls.addAndThrow, { topic });
  },
});

/** Each call from an action is a transaction of its own. */
export const fromAction = action({
  args: topic,
  handler: async (ctx, { topic }): Promise<{ caught: unknown; notes: string[] }> => {
    await ctx.runMutation(internal.notes.addInternally, { topic, text: "kept" });
    let caught: unknown = null;
    try {
      await ctx.runMutation(internal.calls.addAndThrow, { topic });
    } catch (error) {
      caught = error instanceof ConvexError ? error.data : String(error);
    }
    return { caught, notes: await ctx.runQuery(api.notes.list, { topic }) };
  },
});

export const actionFromAction = action({
  args: topic,
  handler: async (ctx, args): Promise<unknown> => [
    "outer",
    await ctx.runAction(api.calls.fromAction, args),
  ],
});

/** Many calls at once. */
export const together = action({
  args: { topic: v.string(), count: v.number() },
  handler: async (ctx, { topic, count }) => {
    const numbers = Array.from({ length: count }, (_, number) => number);
    await Promise.all(
      numbers.map((number) => ctx.runMutation(api.notes.add, { topic, text: String(number) })),
    );
    const notes: string[] = await ctx.runQuery(api.notes.list, { topic });
    return notes.map(Number).sort((one, other) => one - other);
  },
});

/** Calls itself, deeper each time. */
export const deeper: ReturnType<typeof query> = query({
  args: { levels: v.number() },
  handler: async (ctx, { levels }): Promise<number> =>
    levels === 0 ? 0 : 1 + (await ctx.runQuery(api.calls.deeper, { levels: levels - 1 })),
});

/** Runs a query as if it were a mutation. */
export const ofAnotherKind = mutation({
  args: {},
  handler: (ctx): Promise<unknown> => {
    const wrong = api.notes.list as unknown as typeof api.notes.add;
    return ctx.runMutation(wrong, { topic: "t", text: "t" });
  },
});
