/** Requests that functions send. */
import { action } from "./_generated/server";

/** Send a stream to an HTTP action of this deployment, and return what it answers. */
export const postStream = action({
  args: {},
  handler: async () => {
    const body = new Blob(["desserts"]).stream();
    const address = `${process.env.CONVEX_SITE_URL}/bytes`;
    const response = await fetch(address, { method: "POST", body });
    return await response.text();
  },
});
