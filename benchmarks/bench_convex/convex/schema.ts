import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  ledgers: defineTable({ name: v.string(), balance: v.number() }).index("by_name", ["name"]),
});
