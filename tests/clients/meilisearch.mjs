// Meilisearch's client and its InstantSearch adapter, as they come from npm, against Souk's façade.
// Usage: meilisearch.mjs PACKAGE URL KEY_OF_A_MERCHANDISER KEY_OF_A_PAGE
import assert from "node:assert/strict";

const [name, url, merchandiser, page] = process.argv.slice(2);
const { Meilisearch } = await import(name);
const host = `${url}/meilisearch`;
const client = new Meilisearch({ host, apiKey: merchandiser });
const shopper = new Meilisearch({ host, apiKey: page });
const films = [
  { id: "1", title: "Carol", genres: ["Romance", "Drama"], price: 9.5, rating: { users: 7.2 } },
  { id: "2", title: "Wonder Woman", genres: ["Action", "Adventure"], price: 12, rating: { users: 7.4 } },
  { id: "3", title: "Life of Pi", genres: ["Adventure", "Drama"], price: 7, rating: { users: 7.9 } },
  { id: "4", title: "Mad Max: Fury Road", genres: ["Adventure", "Action"], price: 15, rating: { users: 8.1 } },
];
const titles = (answer) => answer.hits.map((hit) => hit.title);
const done = async (enqueued) => {
  const task = await client.tasks.waitForTask(enqueued.taskUid);
  assert.equal(task.status, "succeeded", JSON.stringify(task));
  return task;
};

assert.equal(await client.isHealthy(), true);
const index = client.index("main");
const found = shopper.index("main");
await done(await index.deleteAllDocuments());
await done(await index.updateFilterableAttributes(["genres", "price"]));
assert.equal((await done(await index.addDocuments(films))).details.indexedDocuments, 4);
assert.equal((await index.getStats()).numberOfDocuments, 4);

// Words: a typing error, a beginning, a highlight.
assert.deepEqual(titles(await found.search("wonedr")), ["Wonder Woman"]);
const shown = await found.search("fur", { attributesToHighlight: ["title"], highlightPreTag: "*", highlightPostTag: "*" });
assert.equal(shown.hits[0]._formatted.title, "Mad Max: *Fury* Road");

// Filters in both forms, facets, an order, pages, by POST and by GET.
const asked = { filter: [["genres = Action", "genres = Romance"], "price < 13"], facets: ["genres"], sort: ["price:desc"] };
const filtered = await found.search("", asked);
assert.deepEqual(titles(filtered), ["Wonder Woman", "Carol"]);
assert.deepEqual(filtered.facetDistribution.genres, { Action: 1, Adventure: 1, Drama: 1, Romance: 1 });
const nested = await found.searchGet("", { filter: "rating.users 7.3 TO 8", sort: ["price:asc"] });
assert.deepEqual(titles(nested), ["Life of Pi", "Wonder Woman"]);
const second = await found.search("", { page: 2, hitsPerPage: 3, sort: ["price:asc"] });
assert.deepEqual([titles(second), second.totalPages], [["Mad Max: Fury Road"], 2]);
const facet = await found.searchForFacetValues({ facetName: "genres", facetQuery: "rom" });
assert.deepEqual(facet.facetHits, [{ value: "Romance", count: 1 }]);
await assert.rejects(found.search("", { filter: "genres =" }), (error) => {
  assert.equal(error.cause.code, "invalid_search_filter");
  return /character 9/.test(error.message);
});

// Several orders, one hit for each value, null and empty, parts of texts, scores and places of words.
const twice = await found.search("", { sort: ["rating.users:desc", "price:asc"], filter: "rating.users IS NOT NULL" });
assert.deepEqual(titles(twice), ["Mad Max: Fury Road", "Life of Pi", "Wonder Woman", "Carol"]);
assert.deepEqual(titles(await found.search("", { filter: "award IS NULL AND title CONTAINS 'of p'" })), ["Life of Pi"]);
assert.deepEqual(titles(await found.search("", { filter: "title STARTS WITH car OR genres IS EMPTY" })), ["Carol"]);
const apart = await found.search("", { distinct: "genres", sort: ["price:asc"] });
assert.deepEqual(titles(apart).length, apart.estimatedTotalHits);
const scored = await found.search("fury", { showRankingScore: true, showMatchesPosition: true });
assert.ok(scored.hits[0]._rankingScore > 0 && scored.hits[0]._rankingScore <= 1);
assert.deepEqual(scored.hits[0]._matchesPosition, { title: [{ start: 9, length: 4 }] });
const federated = await shopper.multiSearch({
  federation: { facetsByIndex: { main: ["genres"] }, mergeFacets: {} },
  queries: [{ indexUid: "main", q: "life" }],
});
assert.deepEqual(federated.facetDistribution, { genres: { Adventure: 1, Drama: 1 } });

// Synonyms hold at once.
await done(await index.updateSynonyms({ shipwreck: ["life of pi"] }));
assert.deepEqual(titles(await found.search("shipwreck")), ["Life of Pi"]);
assert.deepEqual(await index.getSynonyms(), { shipwreck: ["life of pi"] });
await done(await index.resetSynonyms());

// Changes, and documents as they were given.
await done(await index.updateDocuments([{ id: "1", price: 8 }]));
const { availability, ...carol } = await index.getDocument("1");
assert.deepEqual(carol, { ...films[0], price: 8 });
assert.equal((await index.getDocuments({ filter: "price >= 12", fields: ["id"] })).total, 2);
const many = await shopper.multiSearch({ queries: [{ indexUid: "main", q: "carol" }, { indexUid: "main", limit: 1 }] });
assert.deepEqual(many.results.map((result) => result.hits.length), [1, 1]);

// A page's key reads and nothing else; what is not there says so.
await assert.rejects(found.addDocuments(films), (error) => error.cause.code === "invalid_api_key");
await assert.rejects(index.updateRankingRules(["words"]), (error) => error.cause.code === "feature_not_enabled");
await assert.rejects(client.index("books").search(""), (error) => error.cause.code === "index_not_found");

// InstantSearch: a refined list asks twice, once for the hits and once for the counts of all its values.
const { instantMeiliSearch } = await import("@meilisearch/instant-meilisearch");
const { searchClient } = instantMeiliSearch(host, page, { primaryKey: "id", placeholderSearch: true });
const params = { query: "", hitsPerPage: 2, page: 0, facets: ["genres"], highlightPreTag: "<mark>", highlightPostTag: "</mark>" };
const pair = await searchClient.search([
  { indexName: "main", params: { ...params, facetFilters: [["genres:Adventure"]], numericFilters: ["price>=8"] } },
  { indexName: "main", params: { ...params, hitsPerPage: 0 } },
]);
const [hits, counts] = pair.results;
assert.deepEqual(hits.hits.map((hit) => hit.objectID).sort(), ["2", "4"]);
assert.equal(hits.nbHits, 2);
assert.deepEqual(counts.facets.genres, { Action: 2, Adventure: 3, Drama: 2, Romance: 1 });
const words = await searchClient.search([{ indexName: "main", params: { ...params, query: "carol" } }]);
assert.equal(words.results[0].hits[0]._highlightResult.title.value, "<mark>Carol</mark>");

// Removal, one by one, by a list and by a filter.
await done(await index.deleteDocument("1"));
await done(await index.deleteDocuments(["2"]));
await done(await index.deleteDocuments({ filter: "genres = Action" }));
assert.deepEqual(titles(await found.search("")), ["Life of Pi"]);
await done(await index.deleteAllDocuments());
console.error(`${name}: documents, tasks, search, filters, facets, synonyms, InstantSearch`);
