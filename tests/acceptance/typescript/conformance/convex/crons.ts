/** Functions that are called again and again: one soon, one of each other kind hardly ever. */
import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";

const crons = cronJobs();
const args = { text: "ticked" };

crons.interval("every second", { seconds: 1 }, internal.scheduling.tick, args);
crons.hourly("every hour", { minuteUTC: 17 }, internal.scheduling.tick, args);
crons.daily("every day", { hourUTC: 5, minuteUTC: 17 }, internal.scheduling.tick, args);
crons.weekly(
  "every week",
  { dayOfWeek: "monday", hourUTC: 5, minuteUTC: 17 },
  internal.scheduling.tick,
  args,
);
crons.monthly(
  "every month",
  { day: 1, hourUTC: 5, minuteUTC: 17 },
  internal.scheduling.tick,
  args,
);
crons.cron("by the calendar", "17 5 1 1 *", internal.scheduling.tick, args);

export default crons;
