/*
 * Keeps "5 min ago" true on a page that stays open.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * The words the server's own `ago` uses.
 * @param {Date} then
 * @param {Date} now
 * @returns {string}
 */
export function ago(then, now) {
  const passed = now - then;
  if (passed < MINUTE) return "just now";
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  if (passed < 7 * DAY) return `${Math.floor(passed / DAY)} d ago`;
  const day = `${then.getDate()} ${then.toLocaleDateString("en-GB", { month: "short" }).slice(0, 3)}`;
  return then.getFullYear() === now.getFullYear() ? day : `${day} ${then.getFullYear()}`;
}

/** @param {ParentNode} within */
export function refreshTimes(within) {
  const now = new Date();
  for (const time of within.querySelectorAll("time[data-ago][datetime]")) {
    const then = new Date(time.dateTime);
    if (Number.isNaN(then.valueOf())) continue;
    const words = ago(then, now);
    if (time.textContent !== words) time.textContent = words;
  }
}
