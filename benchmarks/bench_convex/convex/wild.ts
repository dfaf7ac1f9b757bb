import { mutation } from "./_generated/server";

/** Never return. */
export const endless = mutation({
  args: {},
  handler: () => {
    for (;;);
  },
});

/** Take all memory there is. */
export const hungry = mutation({
  args: {},
  handler: () => {
    const all: Uint8Array[] = [];
    for (;;) {
      all.push(new Uint8Array(2 ** 24).fill(1));
    }
  },
});
