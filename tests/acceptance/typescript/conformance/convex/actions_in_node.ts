"use node";

/** Actions that run in Node.js, with its modules. */
import { createHash } from "node:crypto";
import { v } from "convex/values";
import { api } from "./_generated/api";
import { action } from "./_generated/server";

export const hash = action({
  args: { text: v.string() },
  handler: async (_, { text }) => createHash("sha256").update(text).digest("hex"),
});

export const addNote = action({
  args: { topic: v.string(), text: v.string() },
  handler: async (ctx, args): Promise<string[]> => {
    await ctx.runMutation(api.notes.add, args);
    return await ctx.runQuery(api.notes.list, { topic: args.topic });
  },
});

export const kinds = action({
  args: {},
  handler: async () => [typeof require, typeof Buffer, typeof process.version],
});
