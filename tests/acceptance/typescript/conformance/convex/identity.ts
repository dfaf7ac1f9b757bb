/** Who calls. */
import { v } from "convex/values";
import { api } from "./_generated/api";
import { action, mutation, query } from "./_generated/server";

export const ofQuery = query({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });
export const ofMutation = mutation({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });
export const ofAction = action({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });

/** Sign a token for a minute. */
export const sign = mutation({
  args: { claims: v.any(), expiresInSeconds: v.number() },
  handler: (ctx, options) => ctx.auth.signJwt(options),
});

/** A called function sees the same user. */
export const ofCalled = action({
  args: {},
  handler: async (ctx): Promise<string | null> =>
    (await ctx.runQuery(api.identity.ofQuery, {}))?.subject ?? null,
});
