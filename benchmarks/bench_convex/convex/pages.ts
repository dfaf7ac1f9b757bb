import { v } from "convex/values";
import { action } from "./_generated/server";

/** Return how long a page is. */
export const fetchLength = action({
  args: { url: v.string() },
  handler: async (_, { url }) => (await (await fetch(url)).text()).length,
});
