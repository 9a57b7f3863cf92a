/**
 * A real name server, and relays found by it: RFC 4976 §8, RFC 2782, RFC 8305.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import { systemClock } from "../../adapters/shared/clock.ts";
import { Driver } from "../../adapters/shared/driver.ts";
import { Egress } from "../../adapters/shared/egress.ts";
import { resolveHop } from "../../adapters/shared/resolve.ts";
import { SystemResolver } from "../../adapters/shared/system-resolver.ts";
import type { DialFailure, Peer } from "../../core/mod.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { describeWith } from "../support/present.ts";
import { type ServedRelay, serveRelay } from "../support/serve-relay.ts";
import { Knot, knotIsThere, ZONE } from "./knot.ts";

/** On loopback, where nobody listens. */
const DEAD = "127.0.0.77";

describeWith([knotIsThere], "DNS by Knot", () => {
  let authority: TestAuthority;
  let relay: ServedRelay;
  let knot: Knot;
  let resolver: SystemResolver;
  let time: number;
  let folder: string;

  beforeAll(async () => {
    authority = await testAuthority();
    // Certificates are for the name of the URI (RFC 4976 §9.2), not for that of the machine SRV leads to.
    const names = ["farm", "weighted", "dual", "two", "moved", "halfdead"].map((name) => `${name}.${ZONE}`);
    relay = await serveRelay({ runtime: node, pair: await authority.issue(...names), accounts: {} });
    const port = relay.tlsPort;
    knot = await Knot.start(`
live A 127.0.0.1
dead A ${DEAD}
_msrps._tcp.farm SRV 20 0 ${port} live
_msrps._tcp.farm SRV 10 50 ${port} dead
_msrps._tcp.farm SRV 10 50 1 nowhere
_msrps._tcp.weighted SRV 1 90 9001 live
_msrps._tcp.weighted SRV 1 10 9002 live
_msrps._tcp.halfdead SRV 1 1 ${port} halfdead
halfdead A ${DEAD}
halfdead A 127.0.0.1
_msrps._tcp.closed SRV 0 0 0 .
closed A 127.0.0.1
dual AAAA ::1
dual A 127.0.0.1
two A ${DEAD}
two A 127.0.0.1
short 5 A 127.0.0.1
moment 0 A 127.0.0.1
six AAAA 2001:db8::1
moved 60 CNAME live
`);
    folder = mkdtempSync(join(tmpdir(), "parley-dns-"));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await knot.stop();
    await relay.end();
  });
  beforeEach(() => {
    time = 0;
    knot.asked.length = 0;
    knot.silent.clear();
    resolver = new SystemResolver({ servers: [knot.server], hostsFile: join(folder, "none"), now: () => time });
  });

  const hop = (name: string, port = 0) => ({ secure: true, host: `${name}.${ZONE}`, port });
  const targets = async (name: string, port = 0) =>
    (await resolveHop(hop(name, port), resolver)).map((target) => `${target.address} ${target.port}`);

  /** Connects with TLS; whom to, or why not. */
  async function dial(name: string, port = 0): Promise<Peer | DialFailure> {
    const driver = new Driver({ clock: systemClock, onBug: () => {} });
    const options = {
      egress: new Egress(["loopback"]),
      timeoutSeconds: 10,
      tls: { ca: [authority.cert], system: false },
      resolver,
    };
    const outcome = await new Promise<Peer | DialFailure>((resolve) => {
      node.dial(hop(name, port), options, driver, {
        opened: (link) => {
          resolve(link.peer);
          return { received() {}, writable() {}, ended() {} };
        },
        failed: (why) => resolve(why),
      });
    });
    driver.stop();
    return outcome;
  }

  it("leads to the machines of a farm by priority, past those that are dead or have no address", async () => {
    expect(await targets("farm")).toEqual([`${DEAD} ${relay.tlsPort}`, `127.0.0.1 ${relay.tlsPort}`]);
    expect(knot.asked).toContain(`SRV _msrps._tcp.farm.${ZONE}`);
    expect(await dial("farm")).toMatchObject({ address: "127.0.0.1", port: relay.tlsPort, secure: true });
  });

  it("has equals chosen by their weights", async () => {
    let heavy = 0;
    for (let i = 0; i < 400; i++) {
      const [first] = await targets("weighted");
      if (first === "127.0.0.1 9001") heavy++;
    }
    expect(heavy).toBeGreaterThan(320);
    expect(heavy).toBeLessThan(395);
    // All of it from one answer.
    expect(knot.asked.filter((question) => question.startsWith("SRV"))).toHaveLength(1);
  });

  it("gives several addresses, of which the first may be dead", async () => {
    expect((await targets("two", relay.tlsPort)).toSorted()).toEqual([
      `127.0.0.1 ${relay.tlsPort}`,
      `${DEAD} ${relay.tlsPort}`,
    ]);
    for (let i = 0; i < 4; i++) {
      expect(await dial("two", relay.tlsPort)).toMatchObject({ address: "127.0.0.1" });
      expect(await dial("halfdead")).toMatchObject({ address: "127.0.0.1" });
    }
  });

  it("gives IPv6 and IPv4, and whichever answers is taken", async () => {
    expect(await targets("dual", relay.tlsPort)).toEqual([`::1 ${relay.tlsPort}`, `127.0.0.1 ${relay.tlsPort}`]);
    // Nobody listens on ::1.
    expect(await dial("dual", relay.tlsPort)).toMatchObject({ address: "127.0.0.1" });
    expect(await targets("six", 1)).toEqual(["2001:db8::1 1"]);
  });

  it("has 2855 come last, when there is no SRV", async () => {
    expect(await targets("two")).toEqual(expect.arrayContaining(["127.0.0.1 2855", `${DEAD} 2855`]));
  });

  it("has a service that is decidedly not there, and names that do not exist", async () => {
    expect(await targets("closed")).toEqual([]);
    expect(await dial("closed")).toBe("UNRESOLVED");
    expect(await dial("nobody")).toBe("UNRESOLVED");
    expect(await dial("nobody", 2855)).toBe("UNRESOLVED");
  });

  it("follows an alias", async () => {
    expect(await dial("moved", relay.tlsPort)).toMatchObject({ address: "127.0.0.1" });
  });

  it.each(["SRV", "AAAA"])("is silent about %s, and the rest is enough", async (type) => {
    knot.silent.add(type);
    const began = performance.now();
    expect(await targets("dual")).toContain("127.0.0.1 2855");
    // A question is asked twice and not waited for longer than that; one family never waits for the other.
    expect(performance.now() - began).toBeLessThan(type === "SRV" ? 6000 : 1000);
  });

  it("is silent about everything: the dial ends in time, and so does the next one, at once", async () => {
    for (const type of ["A", "AAAA", "SRV"]) knot.silent.add(type);
    const began = performance.now();
    expect(["UNRESOLVED", "TIMEOUT"]).toContain(await dial("dual", relay.tlsPort));
    expect(performance.now() - began).toBeLessThan(11_000);
    const asked = knot.asked.length;
    expect(await dial("dual", relay.tlsPort)).toBe("UNRESOLVED");
    expect(knot.asked).toHaveLength(asked);
    // It speaks again, and is heard two seconds later.
    knot.silent.clear();
    time += 2000;
    expect(await dial("dual", relay.tlsPort)).toMatchObject({ address: "127.0.0.1" });
  });

  it.each([
    ["two", 300],
    ["short", 5],
    ["moment", 5],
    ["nobody", 10],
  ])("says how long %s holds: %i seconds, in which nobody asks again", async (name, seconds) => {
    await targets(name, 1);
    const asked = knot.asked.length;
    time = 1000 * seconds - 1;
    await targets(name, 1);
    expect(knot.asked).toHaveLength(asked);
    time = 1000 * seconds;
    await targets(name, 1);
    expect(knot.asked).toHaveLength(2 * asked);
  });

  it("does not say how long SRV holds, at least not through Node: a minute", async () => {
    await resolver.services(`_msrps._tcp.farm.${ZONE}`);
    time = 59_999;
    await resolver.services(`_msrps._tcp.farm.${ZONE}`);
    expect(knot.asked).toHaveLength(1);
    time = 60_000;
    await resolver.services(`_msrps._tcp.farm.${ZONE}`);
    expect(knot.asked).toHaveLength(2);
  });

  it("is asked once by many who want the same at the same time", async () => {
    await Promise.all(Array.from({ length: 100 }, () => targets("two", 1)));
    expect(knot.asked.toSorted()).toEqual([`A two.${ZONE}`, `AAAA two.${ZONE}`]);
  });

  it("comes after the hosts file", async () => {
    const hostsFile = join(folder, "hosts");
    writeFileSync(hostsFile, `127.0.0.5 two.${ZONE}\n127.0.0.6 Private.${ZONE}\n`);
    resolver = new SystemResolver({ servers: [knot.server], hostsFile });
    expect(await targets("two", 1)).toEqual(["127.0.0.5 1"]);
    expect(await targets("private", 1)).toEqual(["127.0.0.6 1"]);
    expect(knot.asked).toEqual([]);
    // A farm is DNS's, but where its machines are may stand there too.
    writeFileSync(hostsFile, `127.0.0.7 live.${ZONE}\n`);
    resolver = new SystemResolver({ servers: [knot.server], hostsFile });
    expect(await targets("farm")).toContain(`127.0.0.7 ${relay.tlsPort}`);
  });
});
