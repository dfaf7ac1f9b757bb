/** Modules that are loaded when a function comes to them: `import()`. */
import { v } from "convex/values";
import { action, query } from "./_generated/server";
import { refuse } from "./lib/refusal";

const load = async () => {
  const { count, default: refusals } = await import("./lib/refusals");
  const again = await import("./lib/refusals");
  return [refusals, count(), again.count(), (await import("./lib/refusal")).refuse === refuse];
};

export const inQuery = query({ args: {}, handler: load });
export const inAction = action({ args: {}, handler: load });

/** A module that is not known while the code is bundled was not pushed. */
export const unknown = action({
  args: { name: v.string() },
  handler: async (_, { name }) => Object.keys(await import(name)),
});
