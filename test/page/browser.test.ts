/** The page as people use it: in Chromium, on a relay that runs, and on one that does as a test says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AdminListener } from "../../adapters/admin/listener.ts";
import { node } from "../../adapters/node/runtime.ts";
import { AdminBench, OPERATE, READ } from "../admin/admin-bench.ts";
import { connectionView, sessionView } from "../admin/fake-control.ts";
import { emptyFolder, Parley } from "../cli/run-parley.ts";
import { NodeClient, type Talk } from "../support/node-client.ts";
import { describeWith } from "../support/present.ts";
import { until } from "../support/wait.ts";
import { chromiumIsHere, openBrowser, signIn, type Visit, visit } from "./browser.ts";

const views = ["overview", "sessions", "connections", "events", "explain"];

/** Runs in the page, which is why it is a text. */
const READ_METRICS = String.raw`(async () => {
  const { Reading, History, changes } = await import("/page/metrics.js");
  const text = (bucket, octets) => [
    "# HELP x y",
    'parley_event_loop_delay_seconds_bucket{le="0.01"} ' + bucket,
    'parley_event_loop_delay_seconds_bucket{le="0.1"} ' + bucket * 2,
    'parley_event_loop_delay_seconds_bucket{le="+Inf"} ' + bucket * 2,
    'parley_bytes_total{direction="in"} ' + octets,
    'parley_auths_total{domain="a\\"b",outcome="OK"} ' + bucket,
  ].join("\n");
  const [one, other, again] = [new Reading(text(0, 5000)), new Reading(text(100, 7000)), new Reading(text(0, 0))];
  other.at = one.at + 2000;
  again.at = other.at + 2000;
  const history = new History();
  history.add(1, { a: 1 });
  history.add(2, { a: 2, b: 3 });
  return {
    values: changes(other, one, one),
    labels: one.samples.get("parley_auths_total")[0].labels,
    restarted: changes(again, other, other).in,
    late: history.values.get("b"),
  };
})()`;
interface Read {
  readonly values: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly restarted: number;
  readonly late: readonly (number | undefined)[];
}

describeWith([chromiumIsHere], "the page", () => {
  let browser: Browser;
  let it: Visit;
  let page: Page;
  const endings: (() => unknown)[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  async function goTo(url: string, expected?: RegExp): Promise<void> {
    it = await visit(browser, url, expected);
    page = it.page;
    page.setDefaultTimeout(20_000);
    endings.push(() => it.context.close());
  }
  const heading = (name: string) => page.getByRole("heading", { name, exact: true });

  describe("on a relay that runs", () => {
    let url: string;
    let token: string;
    let connect: (user: string, password?: string) => Promise<[NodeClient, ReturnType<NodeClient["authenticate"]>]>;

    beforeEach(async () => {
      const folder = emptyFolder();
      const server = new Parley(folder, ["serve", "--port", "0", "--admin-port", "0"]);
      [, url = ""] = await server.says(/admin +(http:\S+\/)\n/);
      const [, port = ""] = await server.says(/ping 'msrps:\/\/localhost:(\d+);tcp' .*\n/);
      const passwords = Object.fromEntries(
        [...server.out.matchAll(/^ {2}(alice|bob) +(\S+)$/gm)].map(([, a, b]) => [a, b]),
      );
      const authority = readFileSync(join(folder, "parley-data/ca.crt"), "utf8");
      token = readFileSync(join(folder, "parley-data/admin.token"), "utf8").trim();
      connect = async (username, password = passwords[username]) => {
        const client = await NodeClient.open({ runtime: node, host: "localhost", port: Number(port), authority });
        endings.push(() => client.end());
        const credential = { password: password ?? "" };
        return [client, client.authenticate({ uri: `msrps://localhost:${port};tcp`, username, credential })];
      };
    });

    async function chat(): Promise<{ alice: NodeClient; bob: NodeClient; talk: Talk }> {
      const [[alice, ofAlice], [bob, ofBob]] = [await connect("alice"), await connect("bob")];
      const [mine, his] = [await ofAlice, await ofBob];
      const talk = alice.talk(mine, { peerPath: his.sdpPath });
      bob.talk(his, { peerPath: mine.sdpPath });
      return { alice, bob, talk };
    }

    test("is for those who have a token, which stays in the tab and out of every URL", async () => {
      await goTo(url, /401/);
      await signIn(page, "not-this-one");
      await page.getByText("this is no token of ours").waitFor();
      await signIn(page, token);
      await heading("Overview").waitFor();
      await page.reload();
      await heading("Overview").waitFor();
      expect(it.asked.filter((asked) => asked.includes(token))).toEqual([]);
      expect(await it.context.cookies()).toEqual([]);
      expect(await page.evaluate("JSON.stringify(localStorage)")).not.toContain(token);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Token").waitFor();
      await page.reload();
      await page.getByLabel("Token").waitFor();
      expect(it.wrong).toEqual([]);
    });

    test("moves with what happens: tiles, charts, events, and the list of sessions", async () => {
      await goTo(url);
      await signIn(page, token);
      const sessions = page.locator("#count-sessions");
      await expect.poll(() => sessions.textContent()).toBe("0");
      const { talk } = await chat();
      await expect.poll(() => sessions.textContent(), { timeout: 20_000 }).toBe("2");
      await page.locator(".recent li", { hasText: "alice@localhost started" }).waitFor();
      await expect.poll(() => page.locator(".chart .line").count(), { timeout: 20_000 }).toBeGreaterThan(6);
      const line = page.locator(".chart", { hasText: "Traffic" }).locator(".line").first();
      const before = await line.getAttribute("d");
      await expect.poll(() => line.getAttribute("d"), { timeout: 20_000 }).not.toBe(before);

      await page.keyboard.press("2");
      await expect.poll(() => page.locator("tr.opens").count(), { timeout: 20_000 }).toBe(2);
      await talk.reaches(talk.send({ contentType: "text/plain", body: new Uint8Array(1234) }), "accepted");
      await page.locator("tr.opens", { hasText: "alice" }).getByText("1.23 kB").waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("bob");
      await expect.poll(() => page.locator("tr.opens").count(), { timeout: 20_000 }).toBe(1);
      expect(it.wrong).toEqual([]);
    });

    test("ends a session when asked twice, and its client is disconnected", async () => {
      const { alice, bob } = await chat();
      await goTo(`${url}#sessions`);
      await signIn(page, token);
      await page.getByRole("button", { name: "End the session of alice@localhost" }).click();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      expect(alice.endedBy).toBeUndefined();
      await page.getByRole("button", { name: "End the session of alice@localhost" }).click();
      await page.getByRole("button", { name: "End session", exact: true }).click();
      await until(() => alice.endedBy !== undefined, "alice's connection to end");
      await page.getByText("The session of alice@localhost has ended").waitFor();
      await expect.poll(() => page.locator("tr.opens").count(), { timeout: 20_000 }).toBe(1);
      expect(bob.endedBy).toBeUndefined();
      expect(it.wrong).toEqual([]);
    });

    test("follows the frames of a session, and shows no body", async () => {
      const { talk } = await chat();
      await goTo(`${url}#sessions`);
      await signIn(page, token);
      await page.locator("tr.opens", { hasText: "alice" }).click();
      await page.getByRole("button", { name: "Follow its frames" }).click();
      await page.getByText("Waiting for frames").waitFor();
      talk.send({ contentType: "text/plain", body: new TextEncoder().encode("a secret between us") });
      await page.locator(".frames summary", { hasText: "SEND" }).first().click();
      await page.locator(".frames pre", { hasText: "Content-Type: text/plain" }).first().waitFor();
      expect(await page.locator("dialog").textContent()).not.toContain("a secret between us");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      expect(it.wrong).toEqual([]);
    });

    test("explains why somebody does not get through", async () => {
      const [, refused] = await connect("alice", "guessed");
      await expect(refused).rejects.toThrow("401");
      await goTo(`${url}#explain`);
      await signIn(page, token);
      await page.getByLabel("User or address").fill("127.0.0.1");
      await page.getByRole("button", { name: "Explain", exact: true }).click();
      await page.locator(".attempts li").first().waitFor();
      expect(await page.locator(".attempts").textContent()).toMatch(/AUTH_WRONG.*alice@localhost from 127\.0\.0\.1/);
      await page.getByLabel("User or address").fill("nobody");
      await page.keyboard.press("Enter");
      await page.getByText("No AUTH of nobody is remembered").waitFor();
      expect(it.wrong).toEqual([]);
    });

    test("says so when parley does not answer any more", async () => {
      await goTo(url, /ERR_|Failed to load/);
      await signIn(page, token);
      await heading("Overview").waitFor();
      await page.route("**/v1/info", (route) => route.abort());
      await page.getByText("parley does not answer", { exact: false }).waitFor();
      await page.unroute("**/v1/info");
      await page.getByText("Serving").waitFor();
    });
  });

  describe("on a relay that does as we say", () => {
    let bench: AdminBench;
    let url: string;

    beforeEach(async () => {
      bench = new AdminBench();
      const listener = await AdminListener.open({ host: "127.0.0.1", port: 0 }, (request, environment) =>
        bench.app.fetch(request, environment),
      );
      endings.push(() => listener.close());
      url = `${listener.url}/`;
    });

    test("drains when asked twice, and ends the drain", async () => {
      await goTo(url);
      await signIn(page, OPERATE);
      await page.getByText("Serving").waitFor();
      await page.keyboard.press("d");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      expect(bench.control.draining).toBeUndefined();
      await page.getByRole("button", { name: "Drain" }).click();
      await page.getByLabel("Minutes until the deadline").fill("5");
      await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
      await page.getByText(/Draining until/).waitFor();
      expect(bench.control.draining).toEqual({ since: 0, deadline: 300_000 });
      await page.getByRole("button", { name: "End drain" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "End drain" }).click();
      await page.getByText("Serving", { exact: true }).waitFor();
      expect(bench.control.draining).toBeUndefined();
      expect(it.wrong).toEqual([]);
    });

    test("reloads when asked twice, and says what came of it", async () => {
      await goTo(url);
      await signIn(page, OPERATE);
      await page.getByRole("button", { name: "Reload" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Reload" }).click();
      await page.getByText("Reloaded: log.level").waitFor();
      bench.control.reloadBrings = { ok: false, problems: ["line 3: unknown key"], applied: [], needsRestart: [] };
      await page.getByRole("button", { name: "Reload" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Reload" }).click();
      await page.getByText("Nothing was changed: line 3: unknown key").waitFor();
      expect(it.wrong).toEqual([]);
    });

    test("says in the dialog that a token may only look", async () => {
      await goTo(url, /403/);
      await signIn(page, READ);
      await page.getByText("Serving").waitFor();
      await page.keyboard.press("r");
      await page.getByRole("dialog").getByRole("button", { name: "Reload" }).click();
      await page.getByRole("dialog").getByText("needs the scope operate").waitFor();
    });

    test("turns pages of sessions, and sorts them", async () => {
      bench.control.sessionViews = Array.from({ length: 120 }, (_, i) =>
        sessionView(`1.${i}`, { user: `u${i}`, traffic: { ...sessionView("1.1").traffic, bytesOut: i * 1000 } }),
      );
      await goTo(`${url}#sessions`);
      await signIn(page, OPERATE);
      const first = page.locator("tr.opens").first();
      await first.getByText("u119").waitFor();
      expect(await page.locator("tr.opens").count()).toBe(50);
      await page.getByRole("button", { name: "More" }).click();
      await first.getByText("u69").waitFor();
      await page.getByRole("button", { name: "Back" }).click();
      await first.getByText("u119").waitFor();
      await page.getByRole("button", { name: "Octets" }).click();
      await first.getByText("u0@").waitFor();
      expect(await page.getByRole("columnheader", { name: "Octets" }).getAttribute("aria-sort")).toBe("ascending");
      expect(it.wrong).toEqual([]);
    });

    test.each([390, 900, 1440])("fits a screen of %i pixels, in light and in dark", async (width) => {
      const long = "a-user-with-quite-a-long-name-as-some-companies-give-them";
      bench.control.sessionViews = [sessionView("1.1", { user: long, peers: [`${"x".repeat(60)}.example.net:2855`] })];
      bench.control.connectionViews = [connectionView("1.1", { address: "2001:db8:1234:5678:9abc:def0:1234:5678" })];
      await goTo(url);
      await page.setViewportSize({ width, height: 844 });
      await signIn(page, OPERATE);
      await heading("Overview").waitFor();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        for (const view of views) {
          await page.evaluate(`location.hash = "${view}"`);
          await page.locator(`[data-name=${view}]`).waitFor();
          if (view === "sessions" || view === "connections") await page.locator(".list tbody tr").waitFor();
          const wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
          expect(wider, view).toBeLessThanOrEqual(0);
        }
      }
      expect(it.wrong).toEqual([]);
    });

    test("can be used with the keyboard alone", async () => {
      await goTo(url);
      await signIn(page, OPERATE);
      await heading("Overview").waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      // A key in the very moment in which the dialog goes is lost in Chromium; no hand is as quick.
      await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
      await page.keyboard.press("2");
      await page.locator("tr.opens").first().focus();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: /@example\.com/ }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      // The focus is back where it was, and seen.
      const focused = page.locator("tr.opens:focus-visible");
      await focused.waitFor();
      expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
      await page.keyboard.press("t");
      expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("light");
      expect(it.wrong).toEqual([]);
    });

    test("stands still for those who want that", async () => {
      await goTo(url);
      await page.emulateMedia({ reducedMotion: "reduce" });
      await signIn(page, OPERATE);
      await page.locator(".chart .line").first().waitFor({ state: "attached" });
      await page.waitForTimeout(100);
      expect(await page.evaluate("document.getAnimations().length")).toBe(0);
    });

    test("reads what Prometheus reads", async () => {
      await goTo(url);
      const found = await page.evaluate<Read>(READ_METRICS);
      expect(found.values).toMatchObject({ in: 1000, median: 0.01, "auth OK": 3000 });
      expect(found.values.p99).toBeCloseTo(0.0982, 3);
      expect(found.labels).toEqual({ domain: 'a"b', outcome: "OK" });
      expect(found.restarted).toBe(0);
      expect(found.late).toEqual([undefined, 3]);
    });
  });
});
