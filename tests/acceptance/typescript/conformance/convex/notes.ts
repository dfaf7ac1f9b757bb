/** Lines on what happened, by topic. Other modules write them; tests wait for them. */
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation, mutation, query } from "./_generated/server";

const line = { topic: v.string(), text: v.string() };

export const add = mutation({ args: line, handler: (ctx, args) => ctx.db.insert("notes", args) });

export const addInternally = internalMutation({
  args: line,
  handler: (ctx, args) => ctx.db.insert("notes", args),
});

export const list = query({
  args: { topic: v.string() },
  handler: async (ctx, { topic }) => {
    const found = await ctx.db
      .query("notes")
      .withIndex("by_topic", (q) => q.eq("topic", topic))
      .collect();
    return found.map((note) => note.text);
  },
});

/** Await nothing: all of it happens all the same, before the mutation commits. */
export const addWithoutWaiting = mutation({
  args: { topic: v.string() },
  handler: (ctx, { topic }) => {
    const write = async () => {
      const id = await ctx.db.insert("notes", { topic, text: "first" });
      const note = await ctx.db.get(id);
      await ctx.db.patch(id, { text: `${note!.text} and then` });
    };
    void write();
    void ctx.scheduler.runAfter(0, internal.notes.addInternally, { topic, text: "scheduled" });
    return "returned";
  },
});

/** What fails without anybody waiting fails the mutation. */
export const addWronglyWithoutWaiting = mutation({
  args: { topic: v.string() },
  handler: (ctx, { topic }) => {
    void ctx.db.insert("notes", { topic, text: "right" });
    void ctx.db.insert("notes", { topic, text: 1 } as any);
    return "returned";
  },
});

/** Put a number into the only note of a topic: reads what it writes, as a counter does. */
export const increment = mutation({
  args: { topic: v.string() },
  handler: async (ctx, { topic }) => {
    const note = await ctx.db
      .query("notes")
      .withIndex("by_topic", (q) => q.eq("topic", topic))
      .unique();
    if (note === null) {
      await ctx.db.insert("notes", { topic, text: "1" });
    } else {
      await ctx.db.patch(note._id, { text: String(Number(note.text) + 1) });
    }
  },
});
