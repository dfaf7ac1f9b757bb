/** Writing and reading single documents. */
import { v } from "convex/values";
import type { Id } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";

export const insert = mutation({
  args: { document: v.any() },
  handler: (ctx, { document }) => ctx.db.insert("people", document),
});

export const get = query({
  args: { id: v.id("people") },
  handler: (ctx, { id }) => ctx.db.get(id),
});

export const getOfTable = query({
  args: { id: v.string() },
  handler: (ctx, { id }) => ctx.db.get("people", id as Id<"people">),
});

/** `remove` names the fields to be taken away, which a client cannot say by a value. */
export const patch = mutation({
  args: { id: v.id("people"), fields: v.any(), remove: v.array(v.string()) },
  handler: async (ctx, { id, fields, remove }) => {
    const removed = Object.fromEntries(remove.map((name) => [name, undefined]));
    await ctx.db.patch(id, { ...fields, ...removed });
    return await ctx.db.get(id);
  },
});

export const replace = mutation({
  args: { id: v.id("people"), document: v.any() },
  handler: async (ctx, { id, document }) => {
    await ctx.db.replace(id, document);
    return await ctx.db.get(id);
  },
});

/** Return what is there before and after. */
export const remove = mutation({
  args: { id: v.id("people") },
  handler: async (ctx, { id }) => {
    const before = await ctx.db.get(id);
    await ctx.db.delete(id);
    return [before?.name ?? null, await ctx.db.get(id)];
  },
});

export const normalize = query({
  args: { table: v.union(v.literal("people"), v.literal("books")), text: v.string() },
  handler: (ctx, { table, text }) => ctx.db.normalizeId(table, text),
});

export const uniqueByName = query({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    const people = ctx.db.query("people").withIndex("by_name", (q) => q.eq("name", name));
    return (await people.unique())?.name ?? null;
  },
});

/** Own writes are seen by the queries of the same mutation, in the order of the index. */
export const ownWrites = mutation({
  args: { prefix: v.string() },
  handler: async (ctx, { prefix }) => {
    const second = await ctx.db.insert("people", { name: `${prefix}2` });
    await ctx.db.insert("people", { name: `${prefix}1` });
    await ctx.db.insert("people", { name: `${prefix}3` });
    await ctx.db.patch(second, { name: `${prefix}4` });
    const found = await ctx.db
      .query("people")
      .withIndex("by_name", (q) => q.gte("name", prefix).lt("name", `${prefix}~`))
      .collect();
    return found.map((person) => person.name);
  },
});

/** Writes of a mutation that throws must not be kept. */
export const insertAndThrow = mutation({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    await ctx.db.insert("people", { name });
    throw new Error("after the insert");
  },
});
