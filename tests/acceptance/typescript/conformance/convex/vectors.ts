/** Vector search. */
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action, internalQuery, mutation } from "./_generated/server";

export const add = mutation({
  args: { name: v.string(), kind: v.string(), position: v.array(v.float64()) },
  handler: (ctx, args) => ctx.db.insert("places", args),
});

export const nameOf = internalQuery({
  args: { id: v.id("places") },
  handler: async (ctx, { id }) => (await ctx.db.get(id))!.name,
});

export const nearest = action({
  args: { position: v.array(v.float64()), kinds: v.array(v.string()), limit: v.number() },
  handler: async (ctx, { position, kinds, limit }): Promise<[string, number][]> => {
    const found = await ctx.vectorSearch("places", "by_position", {
      vector: position,
      limit,
      filter:
        kinds.length === 0
          ? undefined
          : (q) => q.or(...kinds.map((kind) => q.or(q.eq("kind", kind), q.eq("kind", "none")))),
    });
    return await Promise.all(
      found.map(async ({ _id, _score }): Promise<[string, number]> => [
        await ctx.runQuery(internal.vectors.nameOf, { id: _id }),
        _score,
      ]),
    );
  },
});
