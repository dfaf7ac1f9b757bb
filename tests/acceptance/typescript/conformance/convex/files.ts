/** Stored files, from mutations and from actions. */
import { v } from "convex/values";
import { action, mutation, query } from "./_generated/server";

const id = { id: v.id("_storage") };

export const uploadUrl = mutation({
  args: {},
  handler: (ctx) => ctx.storage.generateUploadUrl(),
});

export const uploadUrlFromAction = action({
  args: {},
  handler: (ctx) => ctx.storage.generateUploadUrl(),
});

export const url = query({ args: id, handler: (ctx, { id }) => ctx.storage.getUrl(id) });

export const metadata = query({
  args: id,
  handler: (ctx, { id }) => ctx.storage.getMetadata(id),
});

export const document = query({ args: id, handler: (ctx, { id }) => ctx.db.system.get(id) });

export const remove = mutation({ args: id, handler: (ctx, { id }) => ctx.storage.delete(id) });

export const removeAndThrow = mutation({
  args: id,
  handler: async (ctx, { id }) => {
    await ctx.storage.delete(id);
    throw new Error("after the delete");
  },
});

export const storeText = action({
  args: { text: v.string() },
  handler: (ctx, { text }) => ctx.storage.store(new Blob([text], { type: "text/plain" })),
});

/** Store a text, read it again, and leave it there or not. */
export const storeInMutation = mutation({
  args: { text: v.string(), throws: v.boolean() },
  handler: async (ctx, { text, throws }) => {
    const id = await ctx.storage.store(new Blob([text], { type: "text/plain" }));
    const blob = await ctx.storage.get(id);
    const { filesWritten, fileReadBytes } = await ctx.meta.getTransactionMetrics();
    if (throws) {
      throw new Error(`${id} ${await blob!.text()}`);
    }
    return { id, type: blob!.type, used: [filesWritten.used, fileReadBytes.used] };
  },
});

/** Return the type and the text of a stored file, or null. */
export const read = action({
  args: id,
  handler: async (ctx, { id }) => {
    const blob = await ctx.storage.get(id);
    return blob === null ? null : { type: blob.type, text: await blob.text() };
  },
});

/** Bytes of every value, more than fit into one frame of anything. */
export const storeAndCompare = action({
  args: { size: v.number() },
  handler: async (ctx, { size }) => {
    const bytes = Uint8Array.from({ length: size }, (_, position) => (position * 7) % 256);
    const id = await ctx.storage.store(new Blob([bytes]));
    const read = new Uint8Array(await (await ctx.storage.get(id))!.arrayBuffer());
    return read.length === size && read.every((byte, position) => byte === bytes[position]);
  },
});
