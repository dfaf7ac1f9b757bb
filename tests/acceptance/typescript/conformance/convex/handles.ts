/** Function handles: a function as a text, which another function calls. */
import { createFunctionHandle, getFunctionName, type FunctionHandle } from "convex/server";
import { v } from "convex/values";
import { api, internal } from "./_generated/api";
import { action, mutation, query } from "./_generated/server";

export const ofInternal = query({
  args: {},
  handler: (): Promise<string> => createFunctionHandle(internal.notes.addInternally),
});

export const ofQuery = query({
  args: {},
  handler: (): Promise<string> => createFunctionHandle(api.notes.list),
});

const call = { handle: v.string(), topic: v.string(), text: v.string() };
type Adder = FunctionHandle<"mutation", { topic: string; text: string }>;

export const callFromMutation = mutation({
  args: call,
  handler: async (ctx, { handle, ...args }) => {
    await ctx.runMutation(handle as Adder, args);
  },
});

export const callFromAction = action({
  args: call,
  handler: async (ctx, { handle, ...args }) => {
    await ctx.runMutation(handle as Adder, args);
  },
});

export const schedule = mutation({
  args: call,
  handler: async (ctx, { handle, ...args }) => {
    await ctx.scheduler.runAfter(0, handle as Adder, args);
  },
});

export const nameOf = query({ args: {}, handler: (): string => getFunctionName(api.notes.list) });
