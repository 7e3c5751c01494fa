// A certified OpenID Connect provider (npm `oidc-provider`) signs tokens by the client-credentials grant.
// Prints its address as a line of JSON, then serves until it is ended.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const client = (id) => ({
  client_id: id, client_secret: `secret-of-${id}`, grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
});
const provider = new Provider(issuer, {
  clients: ["privacy-desk", "nobody"].map(client),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:souk",
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: "", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 300, jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  extraTokenClaims: (_ctx, token) => ({ roles: token.clientId === "privacy-desk" ? ["desk"] : ["karaoke"] }),
});
server.on("request", provider.callback());
console.log(JSON.stringify({ issuer }));
