/** Ranges of indexes. Each answers with titles, in the order in which they came. */
import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel";
import { mutation, query, type QueryCtx } from "./_generated/server";

const BOOKS = [
  { title: "Emma", author: "Austen", year: 1815, rating: 4, place: { shelf: "b" } },
  { title: "Persuasion", author: "Austen", year: 1817, place: { shelf: "a" } },
  { title: "Sense and Sensibility", author: "Austen", year: 1811, place: { shelf: "a" } },
  { title: "Middlemarch", author: "Eliot", year: 1871, rating: 5, place: { shelf: "c" } },
  { title: "Silas Marner", author: "Eliot", year: 1861, rating: null, place: { shelf: "b" } },
  { title: "Dracula", author: "Stoker", year: 1897, rating: 3, place: { shelf: "c" } },
];

export const fill = mutation({
  args: {},
  handler: async (ctx) => {
    for (const book of BOOKS) {
      await ctx.db.insert("books", book);
    }
  },
});

const RANGES: Record<string, (ctx: QueryCtx) => Promise<Doc<"books">[]>> = {
  "whole table": (ctx) => ctx.db.query("books").collect(),
  "whole table, down": (ctx) => ctx.db.query("books").order("desc").collect(),
  "whole index": (ctx) => ctx.db.query("books").withIndex("by_author").collect(),
  "first field": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.eq("author", "Austen"))
      .collect(),
  "first field, down": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.eq("author", "Austen"))
      .order("desc")
      .collect(),
  "both fields": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.eq("author", "Austen").eq("year", 1817))
      .collect(),
  "gt and lt": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.eq("author", "Austen").gt("year", 1811).lt("year", 1817))
      .collect(),
  "gte and lte": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.eq("author", "Austen").gte("year", 1811).lte("year", 1815))
      .collect(),
  "range of the first field": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.gt("author", "Austen"))
      .collect(),
  "empty range": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.eq("author", "Austen").gt("year", 5).lt("year", 4))
      .collect(),
  "absent field": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_rating", (q) => q.eq("rating", undefined))
      .collect(),
  "null field": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_rating", (q) => q.eq("rating", null))
      .collect(),
  "present field": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_rating", (q) => q.gt("rating", undefined))
      .collect(),
  "nested field": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_shelf", (q) => q.eq("place.shelf", "a"))
      .collect(),
  "creation time": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_creation_time", (q) => q.gt("_creationTime", 0))
      .order("desc")
      .take(2),
  "by id": async (ctx) => {
    const emma = await ctx.db.query("books").first();
    return await ctx.db
      .query("books")
      .withIndex("by_id", (q) => q.eq("_id", emma!._id))
      .collect();
  },
  // The last fields of every index are the creation time and the id.
  "after one document": async (ctx) => {
    const persuasion = await ctx.db
      .query("books")
      .withIndex("by_author", (q) => q.eq("author", "Austen").eq("year", 1817))
      .unique();
    const { author, year, _creationTime, _id } = persuasion!;
    const after = (q: any) => q.eq("author", author).eq("year", year);
    return [
      ...(await ctx.db
        .query("books")
        .withIndex("by_author", (q) => after(q).eq("_creationTime", _creationTime).gte("_id", _id))
        .collect()),
      ...(await ctx.db
        .query("books")
        .withIndex("by_author", (q) => after(q).eq("_creationTime", _creationTime).gt("_id", _id))
        .collect()),
      ...(await ctx.db
        .query("books")
        .withIndex("by_author", (q) => after(q).gt("_creationTime", _creationTime))
        .collect()),
    ];
  },
  take: (ctx) => ctx.db.query("books").withIndex("by_author").take(2),
  "take none": (ctx) => ctx.db.query("books").take(0),
  first: async (ctx) => [(await ctx.db.query("books").withIndex("by_rating").first())!],
  "async iteration": async (ctx) => {
    const found: Doc<"books">[] = [];
    for await (const book of ctx.db.query("books").withIndex("by_author")) {
      if (book.author === "Eliot") {
        break;
      }
      found.push(book);
    }
    return found;
  },
  search: (ctx) =>
    ctx.db
      .query("books")
      .withSearchIndex("search_title", (q) => q.search("title", "sense"))
      .collect(),
  "search of an author": (ctx) =>
    ctx.db
      .query("books")
      .withSearchIndex("search_title", (q) => q.search("title", "m").eq("author", "Eliot"))
      .collect(),
  // Wrong ones. TypeScript would refuse them; the server must as well.
  "fields out of order": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_author", (q) => (q as any).eq("year", 1815))
      .collect(),
  "no such index": (ctx) =>
    ctx.db
      .query("books")
      .withIndex("by_weight" as any)
      .collect(),
  "no such table": (ctx) => ctx.db.query("absent" as "books").collect(),
  "no such table, by creation": (ctx) =>
    ctx.db
      .query("absent" as "books")
      .withIndex("by_creation_time", (q) => q.gt("_creationTime", 0))
      .collect(),
  "index of no such table": (ctx) =>
    ctx.db
      .query("absent" as "books")
      .withIndex("by_author")
      .collect(),
  "search of no such table": (ctx) =>
    ctx.db
      .query("absent" as "books")
      .withSearchIndex("search_title", (q) => q.search("title", "sense"))
      .collect(),
};

export const titles = query({
  args: { range: v.string() },
  handler: async (ctx, { range }) => (await RANGES[range](ctx)).map((book) => book.title),
});
