/** Functions that are called later. What they did is in the notes of their topic. */
import { v } from "convex/values";
import { internal } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { action, internalAction, internalMutation, mutation, query } from "./_generated/server";

const topic = { topic: v.string() };
const HOUR_MS = 3_600_000;

type JobId = Promise<Id<"_scheduled_functions">>;

export const soon = mutation({
  args: topic,
  handler: (ctx, { topic }): JobId =>
    ctx.scheduler.runAfter(0, internal.notes.addInternally, { topic, text: "ran" }),
});

export const atPastTime = mutation({
  args: topic,
  handler: (ctx, { topic }): JobId =>
    ctx.scheduler.runAt(Date.now() - HOUR_MS, internal.notes.addInternally, {
      topic,
      text: "ran",
    }),
});

export const atDate = mutation({
  args: topic,
  handler: (ctx, { topic }): JobId =>
    ctx.scheduler.runAt(new Date(Date.now()), internal.notes.addInternally, {
      topic,
      text: "ran",
    }),
});

export const later = mutation({
  args: topic,
  handler: (ctx, { topic }): JobId =>
    ctx.scheduler.runAfter(HOUR_MS, internal.notes.addInternally, { topic, text: "ran" }),
});

export const fromAction = action({
  args: topic,
  handler: (ctx, { topic }): JobId =>
    ctx.scheduler.runAfter(0, internal.scheduling.work, { topic }),
});

export const work = internalAction({
  args: topic,
  handler: async (ctx, { topic }) => {
    await ctx.runMutation(internal.notes.addInternally, { topic, text: "an action ran" });
  },
});

export const cancel = mutation({
  args: { id: v.id("_scheduled_functions") },
  handler: (ctx, { id }) => ctx.scheduler.cancel(id),
});

export const cancelFromAction = action({
  args: { id: v.id("_scheduled_functions") },
  handler: (ctx, { id }) => ctx.scheduler.cancel(id),
});

export const thenThrow = mutation({
  args: topic,
  handler: async (ctx, { topic }) => {
    await ctx.scheduler.runAfter(0, internal.notes.addInternally, { topic, text: "ran" });
    throw new Error("after scheduling");
  },
});

export const fail = internalMutation({
  args: {},
  handler: () => {
    throw new Error("a scheduled function failed");
  },
});

export const failSoon = mutation({
  args: {},
  handler: (ctx): JobId => ctx.scheduler.runAfter(0, internal.scheduling.fail, {}),
});

/** Wrong arguments are refused when the function is scheduled or when it runs, never ignored. */
export const negativeDelay = mutation({
  args: {},
  handler: (ctx): JobId =>
    ctx.scheduler.runAfter(-1, internal.notes.addInternally, { topic: "t", text: "t" }),
});

/** What the system table says of a scheduled function. */
export const state = query({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => {
    const scheduled = await ctx.db.system.get(id);
    return scheduled === null
      ? null
      : { name: scheduled.name, args: scheduled.args, state: scheduled.state.kind };
  },
});

export const pending = query({
  args: {},
  handler: async (ctx) => {
    const all = await ctx.db.system.query("_scheduled_functions").collect();
    return all.filter((scheduled) => scheduled.state.kind === "pending").length;
  },
});

export const tick = internalMutation({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    const known = await ctx.db
      .query("notes")
      .withIndex("by_topic", (q) => q.eq("topic", "cron"))
      .first();
    if (known === null) {
      await ctx.db.insert("notes", { topic: "cron", text });
    }
  },
});
