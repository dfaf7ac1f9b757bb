/** The tables of the conformance functions, each for the module that is named after it. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  // values.ts
  things: defineTable({
    group: v.string(),
    value: v.optional(v.any()),
  }).index("by_value", ["group", "value"]),

  // documents.ts
  people: defineTable({
    name: v.string(),
    age: v.optional(v.number()),
    friend: v.optional(v.id("people")),
    contact: v.optional(v.union(v.object({ email: v.string() }), v.literal("none"))),
  }).index("by_name", ["name"]),

  // indexes.ts
  books: defineTable({
    title: v.string(),
    author: v.string(),
    year: v.number(),
    rating: v.optional(v.union(v.number(), v.null())),
    place: v.object({ shelf: v.string() }),
  })
    .index("by_author", ["author", "year"])
    .index("by_rating", ["rating"])
    .index("by_shelf", ["place.shelf"])
    .searchIndex("search_title", { searchField: "title", filterFields: ["author"] }),

  // filters.ts
  items: defineTable({
    name: v.string(),
    count: v.number(),
    price: v.optional(v.number()),
    tags: v.object({ color: v.string() }),
  }),

  // pages.ts
  pages: defineTable({ book: v.string(), number: v.number() }).index("by_number", [
    "book",
    "number",
  ]),

  // notes.ts: what other functions did, for those that cannot answer themselves
  notes: defineTable({ topic: v.string(), text: v.string() }).index("by_topic", ["topic"]),

  // vectors.ts
  places: defineTable({
    name: v.string(),
    kind: v.string(),
    position: v.array(v.float64()),
  }).vectorIndex("by_position", {
    vectorField: "position",
    dimensions: 2,
    filterFields: ["kind"],
  }),
});
