/** What a function may ask about its own call. */
import { v } from "convex/values";
import { api, internal } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { action, internalMutation, mutation, query } from "./_generated/server";

export const ofQuery = query({ args: {}, handler: (ctx) => ctx.meta.getFunctionMetadata() });
export const ofMutation = mutation({ args: {}, handler: (ctx) => ctx.meta.getFunctionMetadata() });
export const ofAction = action({ args: {}, handler: (ctx) => ctx.meta.getFunctionMetadata() });

export const deployment = query({
  args: {},
  handler: (ctx) => ctx.meta.getDeploymentMetadata(),
});

/** What has been used of the limits after one read, if there is a note, and two writes. */
export const metrics = mutation({
  args: { topic: v.string() },
  handler: async (ctx, { topic }) => {
    await ctx.db.query("notes").first();
    await ctx.db.insert("notes", { topic, text: "one" });
    await ctx.db.insert("notes", { topic, text: "two" });
    return await ctx.meta.getTransactionMetrics();
  },
});

export const request = mutation({
  args: {},
  handler: (ctx) => ctx.meta.getRequestMetadata(),
});

export const requestOfAction = action({
  args: {},
  handler: (ctx) => ctx.meta.getRequestMetadata(),
});

/** What a mutation knows that an action calls. */
export const requestOfCalled = action({
  args: {},
  handler: (ctx): Promise<unknown> => ctx.runMutation(api.metadata.request),
});

/** Note which scheduled function this is. */
export const noteJob = internalMutation({
  args: { topic: v.string() },
  handler: async (ctx, { topic }) => {
    const { scheduledFunctionId } = await ctx.meta.getRequestMetadata();
    await ctx.db.insert("notes", { topic, text: String(scheduledFunctionId) });
  },
});

export const scheduleNote = mutation({
  args: { topic: v.string() },
  handler: (ctx, args): Promise<Id<"_scheduled_functions">> =>
    ctx.scheduler.runAfter(0, internal.metadata.noteJob, args),
});

/** The timestamp of what is read is one for the whole transaction. */
export const snapshots = query({
  args: {},
  handler: async (ctx) => {
    const before = ctx.meta.getSnapshotTs();
    await ctx.db.query("notes").first();
    return [before, ctx.meta.getSnapshotTs()];
  },
});
