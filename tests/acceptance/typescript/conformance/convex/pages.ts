/** Reading page by page. */
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";

export const put = mutation({
  args: { book: v.string(), numbers: v.array(v.number()) },
  handler: async (ctx, { book, numbers }) => {
    for (const number of numbers) {
      await ctx.db.insert("pages", { book, number });
    }
  },
});

export const tear = mutation({
  args: { book: v.string(), number: v.number() },
  handler: async (ctx, { book, number }) => {
    const page = await ctx.db
      .query("pages")
      .withIndex("by_number", (q) => q.eq("book", book).eq("number", number))
      .unique();
    await ctx.db.delete(page!._id);
  },
});

export const list = query({
  args: { book: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { book, paginationOpts }) => {
    const found = await ctx.db
      .query("pages")
      .withIndex("by_number", (q) => q.eq("book", book))
      .paginate(paginationOpts);
    return { ...found, page: found.page.map((each) => each.number) };
  },
});

export const odd = query({
  args: { book: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { book, paginationOpts }) => {
    const found = await ctx.db
      .query("pages")
      .withIndex("by_number", (q) => q.eq("book", book))
      .order("desc")
      .filter((q) => q.eq(q.mod(q.field("number"), 2), 1))
      .paginate(paginationOpts);
    return { ...found, page: found.page.map((each) => each.number) };
  },
});

export const twice = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts }) => {
    await ctx.db.query("pages").paginate(paginationOpts);
    return await ctx.db.query("pages").paginate(paginationOpts);
  },
});
