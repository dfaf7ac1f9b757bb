/** Every operator of `filter`. Each answers with the names of the items it lets through. */
import type { ExpressionOrValue, FilterBuilder, NamedTableInfo } from "convex/server";
import { v } from "convex/values";
import type { DataModel } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";

const ITEMS = [
  { name: "axe", count: 1, price: 10, tags: { color: "red" } },
  { name: "bow", count: 2, price: 4, tags: { color: "blue" } },
  { name: "cup", count: 7, tags: { color: "red" } },
];

export const fill = mutation({
  args: {},
  handler: async (ctx) => {
    for (const item of ITEMS) {
      await ctx.db.insert("items", item);
    }
  },
});

type Filter = FilterBuilder<NamedTableInfo<DataModel, "items">>;

const FILTERS: Record<string, (q: Filter) => ExpressionOrValue<boolean>> = {
  eq: (q) => q.eq(q.field("name"), "bow"),
  neq: (q) => q.neq(q.field("name"), "bow"),
  lt: (q) => q.lt(q.field("count"), 2),
  lte: (q) => q.lte(q.field("count"), 2),
  gt: (q) => q.gt(q.field("count"), 2),
  gte: (q) => q.gte(q.field("count"), 2),
  and: (q) => q.and(q.gt(q.field("count"), 1), q.eq(q.field("tags.color"), "red")),
  or: (q) => q.or(q.eq(q.field("name"), "axe"), q.eq(q.field("name"), "cup")),
  not: (q) => q.not(q.eq(q.field("tags.color"), "red")),
  add: (q) => q.eq(q.add(q.field("count"), 1), 3),
  sub: (q) => q.eq(q.sub(q.field("count"), 1), 0),
  mul: (q) => q.eq(q.mul(q.field("count"), 2), 14),
  div: (q) => q.eq(q.div(q.field("count"), 2), 0.5),
  mod: (q) => q.eq(q.mod(q.field("count"), 2), 0),
  neg: (q) => q.lt(q.neg(q.field("count")), -5),
  "absent field": (q) => q.eq(q.field("price"), undefined),
  "present field": (q) => q.neq(q.field("price"), undefined),
  "absent is less than any number": (q) => q.lt(q.field("price" as "count"), 5),
  "two fields": (q) => q.gt(q.field("price" as "count"), q.field("count")),
  nothing: () => false,
  everything: () => true,
};

export const names = query({
  args: { filter: v.string() },
  handler: async (ctx, { filter }) => {
    const found = await ctx.db.query("items").filter(FILTERS[filter]).collect();
    return found.map((item) => item.name);
  },
});

/** Several filters apply one after the other; a limit counts what they let through. */
export const chained = query({
  args: {},
  handler: async (ctx) => {
    const found = await ctx.db
      .query("items")
      .order("desc")
      .filter((q) => q.gt(q.field("count"), 0))
      .filter((q) => q.eq(q.field("tags.color"), "red"))
      .take(1);
    return found.map((item) => item.name);
  },
});
