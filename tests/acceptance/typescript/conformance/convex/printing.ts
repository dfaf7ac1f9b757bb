/** Console lines. */
import { action, query } from "./_generated/server";

export const lines = query({
  args: {},
  handler: () => {
    console.log("plain", 1, true, null, undefined);
    console.info({ a: 1, b: ["x", { c: 2n }] });
    console.warn([1, 2]);
    console.error(true, 1.5);
    console.debug("100%", "%s");
    return null;
  },
});

/** Times and counts are those of one call; time stands still in a query. */
export const timesAndCounts = query({
  args: {},
  handler: () => {
    console.time("wash");
    console.time("wash");
    console.timeLog("wash", "rinse", 2);
    console.timeEnd("wash");
    console.timeEnd("wash");
    console.count("plate");
    console.count("plate");
  },
});

export const lineAndError = query({
  args: {},
  handler: () => {
    console.log("before the error");
    throw new Error("after the line");
  },
});

export const linesOfAction = action({
  args: {},
  handler: async () => {
    console.log("from an action");
    await Promise.resolve();
    console.error("and again");
  },
});

export const many = query({
  args: {},
  handler: () => {
    for (let number = 0; number < 400; number += 1) {
      console.log(number);
    }
  },
});
