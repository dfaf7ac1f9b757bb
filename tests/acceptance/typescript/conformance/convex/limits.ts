/** Limits that keep one call from harming the others. */
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { mutation, query } from "./_generated/server";

const BIG: Record<string, () => unknown> = {
  "large document": () => "x".repeat(1_100_000),
  "long array": () => Array.from({ length: 8_193 }, () => 1),
  "many fields": () => Object.fromEntries(Array.from({ length: 1_025 }, (_, n) => [`f${n}`, 1])),
  "deep value": () => {
    let value: unknown = 1;
    for (let level = 0; level < 65; level += 1) {
      value = [value];
    }
    return value;
  },
};

export const store = mutation({
  args: { name: v.string() },
  handler: (ctx, { name }) => ctx.db.insert("things", { group: "limits", value: BIG[name]() }),
});

export const scheduleMany = mutation({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let number = 0; number < count; number += 1) {
      await ctx.scheduler.runAfter(3_600_000, internal.notes.addInternally, {
        topic: "limits",
        text: "never",
      });
    }
  },
});

export const endless = query({
  args: {},
  handler: (): null => {
    for (;;) {
      // Nothing: the time limit ends it.
    }
  },
});

export const recursion = query({
  args: {},
  handler: () => {
    const deeper = (level: number): number => 1 + deeper(level + 1);
    return deeper(0);
  },
});
