// Sends events with Segment's browser client, as it comes from npm, in a page of another origin. The page is
// jsdom's, which asks for permission across origins as a browser does. Prints the ids of what was sent.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM, VirtualConsole } from "jsdom";

const [host, writeKey, count, strategy] = [process.argv[2], process.argv[3], Number(process.argv[4]), process.argv[5]];
const bundle = createRequire(import.meta.url).resolve("@segment/analytics-next/package.json")
  .replace("package.json", "dist/umd/index.js");
const problems = new VirtualConsole();
problems.on("jsdomError", (error) => {
  console.error("analytics-next:", error.message, error.cause ?? "");
  process.exitCode = 1;
});
const { window } = new JSDOM("<!doctype html><title>Shop</title>", {
  url: "http://shop.test/products", runScripts: "outside-only", pretendToBeVisual: true, virtualConsole: problems,
});
// What is on its way: batches leave when the calls have long been answered.
let flying = 0, settled = Date.now();
const send = window.XMLHttpRequest.prototype.send;
window.XMLHttpRequest.prototype.send = function (...body) {
  flying += 1;
  this.addEventListener("loadend", () => { flying -= 1; settled = Date.now(); });
  return send.apply(this, body);
};
window.eval(readFileSync(bundle, "utf8"));
const deliveryStrategy = strategy === "batching" ? { strategy, config: { size: 25, timeout: 500 } } : undefined;
const [analytics] = await window.AnalyticsNext.AnalyticsBrowser.load(
  { writeKey, cdnURL: host },
  { integrations: { "Segment.io": { deliveryStrategy } } },
);
const delivered = [];
const ids = (contexts) => contexts.map((context) => context.event.messageId);
while (delivered.length < count) {
  const calls = [];
  for (let n = 0; n < 50 && delivered.length + calls.length < count; n += 1) {
    if (n % 10 === 0) calls.push(analytics.page("Home"));
    else if (n % 10 === 1) calls.push(analytics.identify(`browser-user-${n}`, { plan: "gold" }));
    else if (n % 10 === 2) calls.push(analytics.group("household-1"));
    else calls.push(analytics.track("Product Viewed", { product_id: `p${n}` }));
  }
  delivered.push(...ids(await Promise.all(calls)));
}
// The batching strategy answers before it sends; its timer is half a second, of a processor that others use too.
settled = Date.now();
const deadline = settled + 60_000;
while (strategy === "batching" && Date.now() < deadline && (flying > 0 || Date.now() - settled < 3_000)) {
  await new Promise((resolve) => { setTimeout(resolve, 100); });
}
window.close();
console.log(JSON.stringify(delivered));
