/** Environment variables. */
import { v } from "convex/values";
import { action, query } from "./_generated/server";

const name = { name: v.string() };

export const read = query({
  args: name,
  handler: (_, { name }) => process.env[name] ?? "unset",
});

export const readFromAction = action({
  args: name,
  handler: async (_, { name }) => process.env[name] ?? "unset",
});

/** The names that a function sees beside `process.env`'s own. */
export const members = query({ args: {}, handler: () => Object.keys(process).sort() });
