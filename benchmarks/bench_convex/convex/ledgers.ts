import { v } from "convex/values";
import { mutation, query, type MutationCtx } from "./_generated/server";

/** Add the ledgers `account-<start>` up to `account-<end - 1>`. */
export const fill = mutation({
  args: { start: v.number(), end: v.number() },
  handler: async (ctx, { start, end }) => {
    for (let number = start; number < end; number++) {
      await ctx.db.insert("ledgers", { name: `account-${number}`, balance: 1000 });
    }
  },
});

/** Move an amount between two ledgers: two indexed reads, two patches. */
export const transfer = mutation({
  args: { source: v.string(), target: v.string(), amount: v.number() },
  handler: async (ctx, { source, target, amount }) => {
    const [giver, taker] = await Promise.all([named(ctx, source), named(ctx, target)]);
    await Promise.all([
      ctx.db.patch(giver._id, { balance: giver.balance - amount }),
      ctx.db.patch(taker._id, { balance: taker.balance + amount }),
    ]);
  },
});

/** The same as most people write it: one step after the other. */
export const transferInSteps = mutation({
  args: { source: v.string(), target: v.string(), amount: v.number() },
  handler: async (ctx, { source, target, amount }) => {
    const giver = await named(ctx, source);
    const taker = await named(ctx, target);
    await ctx.db.patch(giver._id, { balance: giver.balance - amount });
    await ctx.db.patch(taker._id, { balance: taker.balance + amount });
  },
});

/** Return fifty ledgers from a name on. `round` makes one call differ from the next. */
export const fifty = query({
  args: { start: v.string(), round: v.number() },
  handler: (ctx, { start }) =>
    ctx.db
      .query("ledgers")
      .withIndex("by_name", (q) => q.gte("name", start))
      .take(50),
});

async function named(ctx: MutationCtx, name: string) {
  const found = await ctx.db
    .query("ledgers")
    .withIndex("by_name", (q) => q.eq("name", name))
    .unique();
  if (found === null) {
    throw new Error(`no ledger is called ${name}`);
  }
  return found;
}
