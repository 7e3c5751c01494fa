// Sends events with Segment's client for Node, as it comes from npm, and prints the ids of what it sent.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const client = new Analytics({ host, writeKey, flushAt: 50, maxRetries: 3 });
const sent = [];
client.on("error", (error) => {
  console.error("analytics-node:", error);
  process.exitCode = 1;
});
const send = (call, message) => {
  const messageId = `node-${sent.length}`;
  sent.push(messageId);
  client[call]({ messageId, ...message });
};
for (let n = 0; sent.length < count; n += 1) {
  const userId = `node-user-${n % 20}`;
  send("track", { userId, event: "Product Viewed", properties: { product_id: `p${n % 50}`, price: 9.5 } });
  if (n % 10 === 0) send("identify", { userId, traits: { plan: "gold", city: "Zürich" } });
  if (n % 10 === 1) send("page", { userId, name: "Home", properties: { path: "/" } });
  if (n % 10 === 2) send("screen", { anonymousId: `node-device-${n}`, name: "Home" });
  if (n % 10 === 3) send("group", { userId, groupId: "household-1" });
  if (n % 10 === 4) {
    const products = [{ product_id: "p1", quantity: 2, price: 9.5 }];
    send("track", {
      userId, event: "Order Completed",
      properties: { order_id: `node-order-${n}`, total: 19, currency: "USD", products },
    });
  }
}
await client.closeAndFlush({ timeout: 60_000 });
console.log(JSON.stringify(sent));
