/** Sessions and connections as lists: filtered, sorted, paged; found, ended. */
import { describe, expect, test } from "vitest";
import { AdminBench } from "./admin-bench.ts";
import { connectionView, sessionView } from "./fake-control.ts";

const ids = (answer: { json: { items: { id: string }[] } }) => answer.json.items.map(({ id }) => id);

function many(): AdminBench {
  const bench = new AdminBench();
  bench.control.sessionViews = Array.from({ length: 25 }, (_, index) =>
    sessionView(`1.${index + 1}`, {
      user: index % 2 === 0 ? "alice" : "bob",
      domain: index < 20 ? "example.com" : "example.org",
      address: `192.0.2.${index}`,
      startedAt: 1000 * index,
      peers: index === 3 ? ["[2001:db8::1]:2855", "carol.example.net"] : ["dave.example.net:2855"],
      traffic: { ...sessionView("").traffic, bytesIn: (index * 7) % 25, bytesOut: 0 },
    }),
  );
  return bench;
}

describe("GET /v1/sessions", () => {
  test.each([
    ["user=bob&domain=example.org", ["1.24", "1.22"]],
    ["address=192.0.2.3", ["1.4"]],
    ["peer=carol.example.net", ["1.4"]],
    ["peer=dave.example.net&domain=example.org&user=bob", ["1.24", "1.22"]],
    ["peer=[2001:db8::1]:2855", ["1.4"]],
    ["search=CAROL", ["1.4"]],
    ["search=alice@example.org", ["1.25", "1.23", "1.21"]],
    ["listener=inside", []],
  ])("?%s", async (query, expected) => {
    expect(ids(await many().ask(`/v1/sessions?${encodeURI(query)}`))).toEqual(expected);
  });

  test.each([
    ["age", ["1.25", "1.24"]],
    ["-age", ["1.1", "1.2"]],
    ["bytes", ["1.1", "1.19"]],
    ["-bytes", ["1.8", "1.15"]],
  ])("?sort=%s", async (sort, expected) => {
    const answer = await many().ask(`/v1/sessions?sort=${sort}&limit=2`);
    expect(ids(answer)).toEqual(expected);
  });

  test.each(["age", "-age", "bytes", "-bytes"])(
    "pages by %s show each session once, though some come and go in between",
    async (sort) => {
      const bench = many();
      const all = ids(await bench.ask(`/v1/sessions?sort=${sort}`));
      const seen: string[] = [];
      let cursor = "";
      for (let pages = 0; pages < 10; pages++) {
        const answer = await bench.ask(`/v1/sessions?sort=${sort}&limit=7${cursor}`);
        expect(answer.json.items.length).toBeLessThanOrEqual(7);
        seen.push(...ids(answer));
        if (answer.json.next === null) break;
        cursor = `&cursor=${answer.json.next}`;
        // Whoever was seen last has gone: the next page begins behind it all the same.
        bench.control.sessionViews = bench.control.sessionViews.filter(({ id }) => id !== seen.at(-1));
      }
      expect(seen).toEqual(all);
    },
  );

  test.each([
    ["limit=0", "limit", "must be at least 1"],
    ["limit=1001", "limit", "must be at most 1000"],
    ["limit=ten", "limit", "must be a whole number"],
    ["sort=size", "sort", "must be age, -age, bytes or -bytes"],
    ["colour=red", "colour", "is no key of this request"],
    ["user=", "user", "must not be empty"],
    ["cursor=nonsense", "cursor", "is not what a page before called next"],
    ["cursor=e30", "cursor", "is not what a page before called next"],
  ])("?%s is refused with the place", async (query, name, detail) => {
    const answer = await new AdminBench().ask(`/v1/sessions?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json.errors).toEqual([{ in: "query", name, detail }]);
    expect(answer.json.detail).toBe(`${name} ${detail}`);
  });
});

describe("one session", () => {
  test("is found by its id, and is gone when it was ended", async () => {
    const bench = new AdminBench();
    expect((await bench.ask("/v1/sessions/1.2")).json.user).toBe("bob");
    const ended = await bench.ask("/v1/sessions/1.2", { method: "DELETE" });
    expect([ended.status, ended.text]).toEqual([204, ""]);
    for (const method of ["GET", "DELETE"]) {
      const answer = await bench.ask("/v1/sessions/1.2", { method });
      expect([answer.status, answer.json.detail]).toEqual([404, "there is no session 1.2; it may have ended"]);
    }
  });
});

describe("connections", () => {
  test.each([
    ["direction=dialed", ["1.3"]],
    ["listener=public", ["1.2", "1.1"]],
    ["sort=-bytes", ["1.3", "1.2", "1.1"]],
    ["sort=-backlog&limit=1", ["1.2"]],
    ["sort=age", ["1.2", "1.3", "1.1"]],
  ])("?%s", async (query, expected) => {
    const bench = new AdminBench();
    if (query === "listener=public") {
      bench.control.connectionViews[2] = connectionView("1.3", { listener: "inside" });
    }
    expect(ids(await bench.ask(`/v1/connections?${query}`))).toEqual(expected);
  });

  test.each([
    ["direction=sideways", "must be accepted or dialed"],
    ["sort=user", "must be age, bytes or backlog, or -…"],
  ])("?%s is refused", async (query, detail) => {
    const answer = await new AdminBench().ask(`/v1/connections?${query}`);
    expect([answer.status, answer.json.errors[0].detail]).toEqual([400, detail]);
  });

  test("one is closed once", async () => {
    const bench = new AdminBench();
    expect((await bench.ask("/v1/connections/1.1", { method: "DELETE" })).status).toBe(204);
    for (const method of ["GET", "DELETE"]) {
      const answer = await bench.ask("/v1/connections/1.1", { method });
      expect([answer.status, answer.json.detail]).toEqual([404, "there is no connection 1.1; it may have closed"]);
    }
  });
});
