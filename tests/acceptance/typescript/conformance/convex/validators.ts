/** Validators of arguments and results, one function for each kind of question. */
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action, internalQuery, mutation, query } from "./_generated/server";

/** One argument for each kind of validator. A call names only the ones that it tries. */
export const all = query({
  args: {
    number: v.optional(v.number()),
    float: v.optional(v.float64()),
    integer: v.optional(v.int64()),
    boolean: v.optional(v.boolean()),
    string: v.optional(v.string()),
    bytes: v.optional(v.bytes()),
    nothing: v.optional(v.null()),
    id: v.optional(v.id("people")),
    literal: v.optional(v.union(v.literal("red"), v.literal(7), v.literal(true))),
    array: v.optional(v.array(v.number())),
    record: v.optional(v.record(v.string(), v.number())),
    object: v.optional(v.object({ needed: v.string(), spare: v.optional(v.number()) })),
    union: v.optional(v.union(v.string(), v.object({ a: v.number() }))),
    nullable: v.optional(v.nullable(v.string())),
    any: v.optional(v.any()),
  },
  handler: (_, args) => Object.keys(args).sort(),
});

export const needed = query({ args: { name: v.string() }, handler: (_, { name }) => name });

/** Without validators every object of arguments is welcome. */
export const unchecked = query((_, args: Record<string, unknown>) => Object.keys(args).sort());

export const returnsString = query({
  args: { value: v.any() },
  returns: v.string(),
  handler: (_, { value }) => value,
});

export const returnsNull = mutation({
  args: {},
  returns: v.null(),
  handler: () => null,
});

export const returnsObject = action({
  args: { value: v.any() },
  returns: v.object({ a: v.number(), b: v.optional(v.string()) }),
  handler: (_, { value }) => value,
});

export const checked = internalQuery({ args: { name: v.string() }, handler: () => "checked" });

/** Arguments of nested calls are checked as those of clients are. */
export const nested = query({
  args: { name: v.any() },
  handler: (ctx, { name }): Promise<string> => ctx.runQuery(internal.validators.checked, { name }),
});
