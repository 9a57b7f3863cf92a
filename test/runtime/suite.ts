/**
 * What every runtime's adapter must do, over real sockets on loopback. It proves adapters and not the protocol: the
 * core in it echoes, or keeps what it was sent.
 */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { MakeGate } from "../../adapters/compat/gate.ts";
import { AddressLimits } from "../../adapters/shared/address-limits.ts";
import { Egress } from "../../adapters/shared/egress.ts";
import { HIGH_MARK, LOW_MARK } from "../../adapters/shared/outbox.ts";
import type { Resolver } from "../../adapters/shared/resolve.ts";
import type { KeyPair, ListenOptions, Runtime, TlsServerOptions } from "../../adapters/shared/runtime.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import {
  clientHello,
  closed,
  descriptors,
  echo,
  mostDescriptors,
  once,
  pattern,
  pause,
  readAll,
  Rig,
  same,
  type Side,
  until,
} from "./rig.ts";

const MB = 1024 * 1024;
const nodeProgram = new URL("../../node_modules/.bin/node", import.meta.url).pathname;
const idleClients = new URL("idle-clients.ts", import.meta.url).pathname;

/** What differs between the runtimes, as far as it shows. */
export interface Expected {
  /** What `Listening.via` says for plain TCP, for one certificate, and for several or for client authorities. */
  readonly apis: { readonly plain: string; readonly one: string; readonly many: string };
  /** For the TLS clients of the tests; see the rig. */
  readonly makeGate?: MakeGate;
  /** Why a client of this runtime's node:tls cannot resume a session. */
  readonly cannotResume?: string;
}

export function runtimeSuite(runtime: Runtime, { apis, makeGate, cannotResume }: Expected): void {
  let rig: Rig;
  let authority: TestAuthority;
  let strangers: TestAuthority;
  let pair: KeyPair;
  /** Nothing is asked that a runtime's own TLS would not have. */
  let one: TlsServerOptions;
  /** Client certificates are asked for, and others are shown to those who ask by name. */
  let many: TlsServerOptions;

  beforeAll(async () => {
    authority = await testAuthority();
    strangers = await testAuthority("strangers");
    pair = await authority.issue("relay.example.com", "localhost", "127.0.0.1");
    one = { fallback: pair, byName: new Map(), clientCa: [] };
    const byName = new Map([["domain.example.com", await authority.issue("domain.example.com")]]);
    many = { fallback: pair, byName, clientCa: [authority.cert] };
  });
  beforeEach(() => {
    rig = new Rig(runtime, makeGate);
  });
  afterEach(async () => {
    await rig.end();
    expect(rig.bugs).toEqual([]);
  });

  const believing = () => ({ tls: { ca: [authority.cert], system: false } });
  const eachTls = describe.each([
    ["one certificate", () => one],
    ["certificates by name and client authorities", () => many],
  ]);

  describe.each([
    ["plain TCP", undefined],
    ["TLS with one certificate", () => one],
    ["TLS with certificates by name and client authorities", () => many],
  ])("a connection over %s", (_, tls) => {
    const secure = tls !== undefined;
    const server = (onOpen?: (side: Side) => void) => rig.listen(tls === undefined ? {} : { tls: tls() }, onOpen);
    const dial = (port: number) => rig.open({ secure, host: "localhost", port }, believing());
    const client = async (port: number, bare = rig.client(port)) => {
      if (!secure) return bare;
      const socket = rig.tlsClient(port, { ca: authority.cert, servername: "localhost" }, bare);
      await once(socket, "secureConnect");
      return socket;
    };

    it("carries octets both ways and knows its peer", async () => {
      const { port, sides } = await server(echo);
      const side = await dial(port);
      rig.turn(() => side.link.write(Buffer.from("hello"), 0, 5));
      await until(() => side.octets === 5, "the echo");
      expect(side.text()).toBe("hello");
      const tls = secure ? "TLSv1.3" : undefined;
      expect([side.link.peer.tls, sides[0]?.link.peer.tls]).toEqual([tls, tls]);
      expect(side.link.peer).toMatchObject({ address: "127.0.0.1", port, secure });
      expect(sides[0]?.link.peer).toMatchObject({ address: "127.0.0.1", secure, names: [] });
    });

    it("echoes 32 MB exactly, with backpressure at every hand", async () => {
      const { port } = await server(echo);
      const side = await dial(port);
      const octets = pattern(32 * MB);
      let sent = 0;
      const pump = () => {
        while (sent < octets.length && side.link.backlog <= HIGH_MARK) {
          const end = Math.min(octets.length, sent + 50_000);
          side.link.write(octets, sent, end);
          sent = end;
        }
      };
      side.onWritable = pump;
      rig.turn(pump);
      await until(() => side.octets === octets.length, "all octets");
      expect(same(Buffer.concat(side.chunks), octets)).toBe(true);
    });

    it("keeps a backlog while the peer does not read, and says when it has drained", async () => {
      const { port, sides } = await server();
      const socket = await client(port);
      rig.hold(socket, true);
      await until(() => sides.length === 1, "the connection");
      const [side] = sides as [Side];
      const octets = pattern(24 * MB);
      rig.turn(() => side.link.write(octets, 0, octets.length));
      expect(side.link.backlog).toBeGreaterThan(HIGH_MARK);
      await pause(50);
      expect(side.writables).toBe(0);
      const backlogs: number[] = [];
      side.onWritable = () => backlogs.push(side.link.backlog);
      rig.turn(() => side.link.close());
      rig.hold(socket, false);
      const arrived = await readAll(socket);
      expect(same(arrived, octets)).toBe(true);
      expect(side.link.backlog).toBe(0);
      expect(backlogs).toEqual([]); // no Feed call follows close
    });

    it("calls writable below the low mark once the peer reads again", async () => {
      const { port, sides } = await server();
      const socket = await client(port);
      rig.hold(socket, true);
      await until(() => sides.length === 1, "the connection");
      const [side] = sides as [Side];
      rig.turn(() => side.link.write(pattern(24 * MB), 0, 24 * MB));
      const backlogs: number[] = [];
      side.onWritable = () => backlogs.push(side.link.backlog);
      rig.hold(socket, false);
      await until(() => backlogs.length > 0, "writable");
      expect(backlogs[0]).toBeLessThan(LOW_MARK);
    });

    it("leaves 64 MB with a peer whose octets are not wanted", async () => {
      const { port, sides } = await server();
      const socket = await client(port);
      await until(() => sides.length === 1, "the connection");
      const [side] = sides as [Side];
      side.onReceived = () => {};
      rig.turn(() => side.link.setReading(false));
      const piece = Buffer.alloc(MB, 1);
      for (let i = 0; i < 64; i++) socket.write(piece);
      let left = 0;
      // Until nothing moves any more.
      do {
        left = socket.writableLength;
        await pause(150);
      } while (socket.writableLength !== left);
      expect(side.octets).toBeLessThan(MB);
      expect(left).toBeGreaterThan(40 * MB); // kernel buffers took the rest
      rig.turn(() => side.link.setReading(true));
      await until(() => side.octets === 64 * MB, "all octets");
    });

    it("leaves 64 MB with a listener whose octets are not wanted", async () => {
      const { port, sides } = await server();
      const dialed = await dial(port);
      dialed.onReceived = () => {};
      rig.turn(() => dialed.link.setReading(false));
      await until(() => sides.length === 1, "the connection");
      const [side] = sides as [Side];
      rig.turn(() => {
        const piece = new Uint8Array(MB);
        for (let i = 0; i < 64; i++) side.link.write(piece, 0, MB);
      });
      let left = 0;
      do {
        left = side.link.backlog;
        await pause(150);
      } while (side.link.backlog !== left);
      expect(dialed.octets).toBeLessThan(MB);
      expect(left).toBeGreaterThan(40 * MB);
      rig.turn(() => dialed.link.setReading(true));
      await until(() => dialed.octets === 64 * MB, "all octets");
      expect(side.link.backlog).toBe(0);
    });

    it("keeps pieces of all sizes in order, to a reader who stops now and then", async () => {
      const { port, sides } = await server();
      const socket = await client(port);
      await until(() => sides.length === 1, "the connection");
      const [side] = sides as [Side];
      const octets = pattern(16 * MB);
      let sent = 0;
      let turns = 0;
      const pump = () => {
        while (sent < octets.length && side.link.backlog < 4 * HIGH_MARK) {
          // Some are copied into pages, some are passed on, and none fits what the kernel takes.
          for (const length of [1, 700, 17, 5000, 70_001, 16_384, 3]) {
            const end = Math.min(octets.length, sent + length);
            side.link.write(octets, sent, end);
            sent = end;
          }
        }
        if (sent === octets.length) side.link.close();
      };
      side.onWritable = pump;
      const all = readAll(socket);
      const rest = setInterval(() => rig.hold(socket, turns++ % 2 === 0), 5);
      rig.turn(pump);
      await until(() => sent === octets.length, "all to be written");
      clearInterval(rest);
      rig.hold(socket, false);
      const arrived = await all;
      expect(arrived.length).toBe(octets.length);
      expect(same(arrived, octets)).toBe(true);
    });

    it("answers a peer that has finished, and then ends", async () => {
      const { port, sides } = await server((side) => {
        side.onEnded = () => side.link.write(Buffer.from("goodbye"), 0, 7);
      });
      const socket = await client(port);
      socket.end("last words");
      expect((await readAll(socket)).toString()).toBe("goodbye");
      await rig.driver.emptied();
      expect(sides[0]?.text()).toBe("last words");
      expect(sides[0]?.ends).toBe(1);
    });

    it("ends once when the peer resets, and remembers what was not sent", async () => {
      const { port, sides } = await server();
      const bare = rig.client(port);
      const socket = await client(port, bare);
      rig.hold(socket, true);
      await until(() => sides.length === 1, "the connection");
      const [side] = sides as [Side];
      rig.turn(() => side.link.write(pattern(24 * MB), 0, 24 * MB));
      await pause(20);
      bare.resetAndDestroy();
      await rig.driver.emptied();
      await pause(20);
      expect(side.ends).toBe(1);
      expect(side.link.backlog).toBeGreaterThan(HIGH_MARK);
      rig.turn(() => {
        side.link.write(pattern(10), 0, 10);
        side.link.setReading(false);
        side.link.close();
      });
    });

    it.skipIf(descriptors() === undefined)(
      "is dropped at once when we stop, whatever its peer does not take",
      async () => {
        const { port, sides } = await server();
        const before = descriptors() ?? 0;
        const socket = await client(port);
        rig.hold(socket, true);
        await until(() => sides.length === 1, "the connection");
        const [side] = sides as [Side];
        rig.turn(() => side.link.write(pattern(24 * MB), 0, 24 * MB));
        await pause(100);
        rig.driver.stop();
        expect(side.ends).toBe(1);
        // Of the two ends of the connection ours is closed; the peer need not have noticed.
        await until(() => (descriptors() ?? 0) <= before + 1, "the socket to be closed");
      },
    );

    it("sends its backlog before it closes, whatever the peer still has to say", async () => {
      const octets = pattern(8 * MB);
      const { port, sides } = await server((side) => {
        side.onReceived = () => {
          side.link.write(octets, 0, octets.length);
          side.link.close();
        };
      });
      const socket = await client(port);
      socket.write(pattern(4 * MB));
      const arrived = await readAll(socket);
      expect(same(arrived, octets)).toBe(true);
      socket.end();
      await rig.driver.emptied();
      expect(sides[0]?.ends).toBe(0);
    });

    it("is lost to a bug of ours, and no other connection is", async () => {
      const { port, sides } = await server((side) => {
        side.onReceived = (bytes) => {
          if (bytes[0] === 33) throw new Error("a bug");
          side.link.write(bytes, 0, bytes.length);
        };
      });
      const [good, bad] = [await dial(port), await dial(port)];
      rig.turn(() => bad.link.write(Buffer.from("!"), 0, 1));
      await until(() => bad.ends === 1, "the end of the connection");
      rig.turn(() => good.link.write(Buffer.from("."), 0, 1));
      await until(() => good.octets === 1, "the echo");
      expect(sides[1]?.ends).toBe(1);
      expect(rig.bugs.splice(0)).toEqual([new Error("a bug")]);
    });

    it("is one of many at once", async () => {
      const count = secure ? 300 : 1000;
      const { port, sides } = await server(echo);
      const opened = await Promise.all(Array.from({ length: count }, () => dial(port)));
      rig.turn(() => {
        for (const side of opened) side.link.write(Buffer.from("hello"), 0, 5);
      });
      await until(() => opened.every((side) => side.text() === "hello"), "every echo");
      expect(sides).toHaveLength(count);
      rig.turn(() => {
        for (const side of opened) side.link.close();
      });
      await rig.driver.emptied();
      expect(sides.every((side) => side.ends === 1)).toBe(true);
    });
  });

  it("says by which way it listens, and why", async () => {
    const plain = await rig.listen({});
    expect(plain.listening.via.api).toBe(apis.plain);
    const because = { because: expect.stringMatching(/^\w/) };
    const listeners: [TlsServerOptions, string][] = [
      [one, apis.one],
      // A domain that shows the listener's own certificate asks for nothing more.
      [{ ...one, byName: new Map([["relay.example.com", pair]]) }, apis.one],
      [{ ...one, clientCa: [authority.cert] }, apis.many],
      [{ ...many, clientCa: [] }, apis.many],
    ];
    for (const [tls, api] of listeners) {
      const { listening } = await rig.listen({ tls });
      expect(listening.via).toMatchObject({ api, ...because });
    }
    expect(runtime.dials).toMatchObject({ plain: because, tls: { api: "node:tls", ...because } });
  });

  const idle = Math.min(10_000, mostDescriptors() - 1000);
  it(`keeps ${idle} idle connections, and hears each of them`, { timeout: 120_000 }, async () => {
    const { port, sides } = await rig.listen({}, echo);
    const before = process.memoryUsage.rss();
    const clients = spawn(nodeProgram, [idleClients, String(port), String(idle)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      let said = "";
      clients.stdout.on("data", (chunk) => (said += String(chunk)));
      await until(() => said.includes(`open ${idle}\n`), "the clients", 60_000);
      await until(() => sides.length === idle, "all connections", 60_000);
      const each = (process.memoryUsage.rss() - before) / idle;
      expect(each).toBeLessThan(32 * 1024);
      clients.stdin.write("\n");
      await until(() => said.includes(`echoed ${idle}\n`), "all echoes", 60_000);
      clients.stdin.end();
      await until(() => sides.every((side) => side.ends === 1), "their end", 60_000);
    } finally {
      clients.kill();
    }
  });

  describe("a listener", () => {
    it("shows an IPv4 client of a dual-stack socket by its IPv4 address", async () => {
      const { port, sides } = await rig.listen({ host: "::" });
      rig.client(port);
      await until(() => sides.length === 1, "the connection");
      expect(sides[0]?.link.peer.address).toBe("127.0.0.1");
    });

    it("listens on IPv6", async () => {
      const { port, sides } = await rig.listen({ host: "::1" }, echo);
      const side = await rig.open({ host: "::1", port });
      expect(side.link.peer.address).toBe("::1");
      await until(() => sides.length === 1, "the connection");
      expect(sides[0]?.link.peer.address).toBe("::1");
    });

    it("says what to do when its port is taken", async () => {
      const { port } = await rig.listen({});
      await expect(rig.listen({ port })).rejects.toThrow(
        `cannot listen on 127.0.0.1:${port}: another program has it; stop that one or choose another port`,
      );
    });

    it("shares its port with another when both ask for it, and hands it over", async () => {
      const first = await rig.listen({ reusePort: true }, echo);
      const { port } = first;
      const old = await rig.open({ port });
      const second = await rig.listen({ port, reusePort: true }, echo);
      await expect(rig.listen({ port })).rejects.toThrow("another program has it");
      await first.listening.close();
      const before = first.sides.length;
      const fresh = [await rig.open({ port }), await rig.open({ port }), await rig.open({ port })];
      await until(() => second.sides.length === 3, "three connections");
      expect(first.sides).toHaveLength(before);
      rig.turn(() => {
        for (const side of [old, ...fresh]) side.link.write(Buffer.from("still"), 0, 5);
      });
      await until(() => [old, ...fresh].every((side) => side.text() === "still"), "the echoes");
    });

    it("takes no more connections once closed, and keeps those it has", async () => {
      const { port, listening } = await rig.listen({}, echo);
      const side = await rig.open({ port });
      await listening.close();
      expect(await rig.dial({ port })).toMatchObject({ why: "UNREACHABLE" });
      rig.turn(() => side.link.write(Buffer.from("still"), 0, 5));
      await until(() => side.text() === "still", "the echo");
    });

    it("refuses what exceeds its limits, and takes others when some have gone", async () => {
      const refused: string[] = [];
      const limits = new AddressLimits({ connections: 3, connectionsPerAddress: 2 });
      const options = { limits, refused: (why: string, address: string) => refused.push(`${why} ${address}`) };
      const { port, sides } = await rig.listen({ ...options, host: "0.0.0.0" });
      const first = rig.client(port);
      rig.client(port);
      await until(() => sides.length === 2, "two connections");
      await readAll(rig.client(port));
      expect(refused).toEqual(["CONNECTIONS_PER_ADDRESS 127.0.0.1"]);

      rig.client(port, "127.0.0.9");
      await until(() => sides.length === 3, "a third connection, from another address");
      await readAll(rig.client(port, "127.0.0.8"));
      expect(refused).toEqual(["CONNECTIONS_PER_ADDRESS 127.0.0.1", "CONNECTIONS 127.0.0.8"]);

      first.destroy();
      await until(() => limits.total === 2, "the first to be gone");
      rig.client(port);
      await until(() => sides.length === 4, "a connection in its place");
    });
  });

  describe("a TLS listener", () => {
    const servername = (port: number, name: string) =>
      new Promise<string>((resolve) => {
        const socket = rig.tlsClient(port, { ca: authority.cert, servername: name, rejectUnauthorized: false });
        socket.once("secureConnect", () => resolve(socket.getPeerCertificate().subjectaltname ?? ""));
      });

    it("chooses its certificate by the name asked for, and has one for all other names", async () => {
      const byName = new Map([
        ["one.example.org", await authority.issue("one.example.org")],
        ["*.example.net", await authority.issue("*.example.net")],
      ]);
      const { port } = await rig.listen({ tls: { ...many, byName } });
      expect(await servername(port, "one.example.org")).toBe("DNS:one.example.org");
      expect(await servername(port, "ONE.example.org")).toBe("DNS:one.example.org");
      expect(await servername(port, "any.example.net")).toBe("DNS:*.example.net");
      for (const other of ["deep.any.example.net", "example.net", "unknown.example", ""]) {
        expect(await servername(port, other)).toContain("DNS:relay.example.com");
      }
    });

    it("knows the names of a client whose certificate it can verify, and of nobody else", async () => {
      const { port, sides } = await rig.listen({ tls: many });
      const own = await authority.issue("peer.example.net", "*.example.net", "192.0.2.1");
      const foreign = await strangers.issue("peer.example.net");
      const expired = await authority.issueExpired("peer.example.net");
      for (const pair of [own, foreign, expired, undefined]) {
        const socket = rig.tlsClient(port, { ca: authority.cert, servername: "localhost", ...pair });
        await once(socket, "secureConnect");
      }
      await until(() => sides.length === 4, "four connections");
      expect(sides.map((side) => side.link.peer.names)).toEqual([["peer.example.net", "*.example.net"], [], [], []]);
    });

    it.skipIf(cannotResume)(
      `knows a client that resumes its session${cannotResume ? ` (skipped: ${cannotResume})` : ""}`,
      async () => {
        const { port, sides } = await rig.listen({ tls: many }, echo);
        const own = await authority.issue("peer.example.net");
        const options = { ca: authority.cert, servername: "localhost", ...own };
        const socket = rig.tlsClient(port, options);
        const resumed = once(socket, "session") as Promise<Buffer>;
        socket.write("hello");
        await once(socket, "data");
        await once(rig.tlsClient(port, { ...options, session: await resumed }), "secureConnect");
        await until(() => sides.length === 2, "two connections");
        expect(sides.map((side) => side.link.peer.names)).toEqual([["peer.example.net"], ["peer.example.net"]]);
      },
    );

    it("takes whatever certificates, and goes another way for them, while connections live on", async () => {
      const { port, listening } = await rig.listen({ tls: one }, echo);
      expect(listening.via).toMatchObject({ api: apis.one });
      const open = [await rig.open({ secure: true, host: "localhost", port }, believing())];
      const renewed = await authority.issue("renewed.example.com");
      const byName = new Map([["two.example.org", await authority.issue("two.example.org")]]);

      await listening.setTls({ fallback: renewed, byName, clientCa: [] });
      expect(listening.via).toMatchObject({ api: apis.many });
      expect(await servername(port, "localhost")).toBe("DNS:renewed.example.com");
      expect(await servername(port, "two.example.org")).toBe("DNS:two.example.org");

      await listening.setTls(many);
      open.push(await rig.open({ secure: true, host: "localhost", port }, believing()));
      expect(await servername(port, "two.example.org")).toContain("DNS:relay.example.com");

      await listening.setTls({ fallback: renewed, byName: new Map([["localhost", renewed]]), clientCa: [] });
      expect(listening.via).toMatchObject({ api: apis.one });
      expect(await servername(port, "localhost")).toBe("DNS:renewed.example.com");

      rig.turn(() => {
        for (const side of open) side.link.write(Buffer.from("still"), 0, 5);
      });
      await until(() => open.every((side) => side.text() === "still"), "the echoes");
    });

    it("believes no client certificate when it has no authority to believe", async () => {
      const { port, sides } = await rig.listen({ tls: { ...many, clientCa: [] } });
      const socket = rig.tlsClient(port, { ca: authority.cert, servername: "localhost", ...pair });
      await once(socket, "secureConnect");
      await until(() => sides.length === 1, "the connection");
      expect(sides[0]?.link.peer.names).toEqual([]);
    });
  });

  describe.each([
    ["plain TCP", undefined],
    ["TLS", () => many],
  ])("a listener behind a proxy, over %s", (_, tls) => {
    const line = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 2855\r\n";
    const behindProxy = async (options: Partial<ListenOptions> = {}) => {
      const refused: string[] = [];
      const listened = await rig.listen(
        {
          proxyProtocol: {},
          refused: (why, address, detail) => refused.push(`${why} ${address}: ${detail}`),
          ...(tls && { tls: tls() }),
          ...options,
        },
        echo,
      );
      return { ...listened, refused };
    };
    /** Says hello as a client of the proxy does, and waits for the echo. */
    const greet = async (socket: Socket) => {
      socket.write("hello");
      expect((await readAll(socket, 5)).toString()).toBe("hello");
    };
    const secured = (port: number, bare: Socket) =>
      tls === undefined ? bare : rig.tlsClient(port, { ca: authority.cert, servername: "domain.example.com" }, bare);

    it("knows the client the proxy speaks for, and gets all it sends", async () => {
      const { port, sides } = await behindProxy();
      const bare = rig.client(port);
      bare.write(line);
      const client = secured(port, bare);
      await greet(client);
      expect(sides[0]?.link.peer).toMatchObject({ address: "192.0.2.7", port: 4711, secure: tls !== undefined });
      const octets = pattern(8 * MB);
      client.write(octets);
      expect((await readAll(client, octets.length)).equals(Buffer.from(octets))).toBe(true);
    });

    it("finds what came in one lot with the header, and a header that came in pieces", async () => {
      const { port, sides } = await behindProxy();
      const bare = rig.client(port);
      for (const octet of line.slice(0, -1)) {
        bare.write(octet);
        await pause(1);
      }
      const after = tls === undefined ? Buffer.from("hello") : clientHello(3);
      bare.write(Buffer.concat([Buffer.from("\n"), after]));
      // Its own hello, in TLS.
      const [first] = await readAll(bare, 1);
      expect(first).toBe(tls === undefined ? "h".charCodeAt(0) : 22);
      if (tls === undefined) expect(sides[0]?.link.peer.address).toBe("192.0.2.7");
    });

    it("takes a connection of the proxy itself as its own", async () => {
      const { port, sides } = await behindProxy();
      const bare = rig.client(port);
      bare.write(Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex"));
      await greet(secured(port, bare));
      expect(sides[0]?.link.peer.address).toBe("127.0.0.1");
    });

    it("counts the client and not the proxy", async () => {
      const limits = new AddressLimits({ connections: 10, connectionsPerAddress: 1 });
      const { port, sides, refused } = await behindProxy({ limits });
      const one = rig.client(port);
      one.write(line);
      await greet(secured(port, one));
      const two = rig.client(port);
      two.write(line.replace("192.0.2.7", "192.0.2.8"));
      await greet(secured(port, two));
      const again = rig.client(port);
      again.write(line);
      await readAll(again);
      expect(refused).toEqual(["CONNECTIONS_PER_ADDRESS 192.0.2.7: too many connections"]);
      expect(sides).toHaveLength(2);
      one.destroy();
      await until(() => limits.total === 1, "the first to be forgotten");
    });

    it("drops whoever sends no header, a wrong one, half of one, or none in time", async () => {
      const { port, sides, refused } = await behindProxy({ handshakeSeconds: 0.3 });
      const wrong = rig.client(port);
      wrong.write(clientHello(3));
      await readAll(wrong);
      const half = rig.client(port);
      half.end("PROXY TCP4 192.0.2.7 ");
      await readAll(half);
      const late = rig.client(port);
      late.write("PROXY ");
      await readAll(late);
      await until(() => refused.length === 3, "three refusals");
      expect(refused).toEqual([
        "PROXY 127.0.0.1: no PROXY header",
        "PROXY 127.0.0.1: it hung up in its header",
        "PROXY 127.0.0.1: no header in time",
      ]);
      // Who only looks whether we are there is not worth a word.
      const quiet = rig.client(port);
      quiet.end();
      await readAll(quiet);
      expect(refused).toHaveLength(3);
      expect(sides).toEqual([]);
    });

    it("believes only the proxies it was told of", async () => {
      const from = new Egress(["127.0.0.2", "2001:db8::/32"]);
      const { port, sides, refused } = await behindProxy({ proxyProtocol: { from } });
      const stranger = rig.client(port);
      stranger.write(line);
      await readAll(stranger);
      expect(refused).toEqual(["PROXY 127.0.0.1: it is not in proxyProtocol.from"]);
      const proxy = rig.client(port, "127.0.0.2");
      proxy.write(line);
      await greet(secured(port, proxy));
      expect(sides).toHaveLength(1);
    });

    it("is served by node:net or node:tls, and says why", async () => {
      const { listening } = await behindProxy();
      expect(listening.via.api).toBe(tls === undefined ? "node:net" : "node:tls");
    });
  });

  eachTls("a TLS listener with %s", (_, tls) => {
    it.each([
      ["refuses TLS 1.1", 0x02, 21], // an alert record
      ["speaks TLS 1.2", 0x03, 22], // its own hello
    ])("%s", async (_, minor, answer) => {
      const { port } = await rig.listen({ tls: tls() });
      const socket = rig.client(port);
      socket.write(clientHello(minor));
      const [first] = await readAll(socket, 1);
      // Deno hangs up without the alert.
      expect(first ?? 21).toBe(answer);
    });

    it("drops a client that does not finish its handshake", async () => {
      const refused: string[] = [];
      const limits = new AddressLimits({ connections: 10, connectionsPerAddress: 10 });
      const { port, sides } = await rig.listen({
        tls: tls(),
        limits,
        handshakeSeconds: 0.2,
        refused: (why, address) => refused.push(`${why} ${address}`),
      });
      const socket = rig.client(port);
      await readAll(socket);
      socket.destroy();
      await until(() => limits.total === 0, "the limits to forget it");
      expect(refused).toEqual(["HANDSHAKE 127.0.0.1"]);
      expect(sides).toEqual([]);
    });

    it("lets a client through that is in its handshake when certificates change", async () => {
      const limits = new AddressLimits({ connections: 10, connectionsPerAddress: 10 });
      const { port, listening } = await rig.listen({ tls: tls(), limits }, echo);
      const bare = rig.client(port);
      await until(() => limits.total === 1, "the connection");
      await listening.setTls({ ...tls(), fallback: await authority.issue("localhost") });
      const socket = rig.tlsClient(port, { ca: authority.cert, servername: "localhost" }, bare);
      socket.write("hello");
      expect((await readAll(socket, 5)).toString()).toBe("hello");
    });

    it("keeps its certificate when it is given one it cannot use", async () => {
      const { port, listening } = await rig.listen({ tls: tls() });
      const other = await authority.issue("localhost");
      await expect(listening.setTls({ ...tls(), fallback: { cert: other.cert, key: "no key" } })).rejects.toThrow();
      const socket = rig.tlsClient(port, { ca: authority.cert, servername: "localhost" });
      await once(socket, "secureConnect");
      expect(socket.getPeerCertificate().subjectaltname).toContain("DNS:relay.example.com");
    });

    it("drops a client that does not speak TLS", async () => {
      const refused: string[] = [];
      const limits = new AddressLimits({ connections: 10, connectionsPerAddress: 10 });
      const { port, sides } = await rig.listen({
        tls: tls(),
        limits,
        refused: (why, address) => refused.push(`${why} ${address}`),
      });
      const socket = rig.client(port);
      socket.write("MSRP a786hjs2 AUTH\r\n");
      await readAll(socket);
      socket.destroy();
      await until(() => limits.total === 0, "the limits to forget it");
      expect(refused).toEqual(["HANDSHAKE 127.0.0.1"]);
      expect(sides).toEqual([]);
    });

    it("takes new certificates under traffic", async () => {
      const { port, listening } = await rig.listen({ tls: tls() }, echo);
      const side = await rig.open({ secure: true, host: "localhost", port }, believing());
      const octets = pattern(MB);
      let echoed = 0;
      side.onReceived = (bytes) => {
        echoed += bytes.length;
        side.link.write(bytes, 0, bytes.length);
      };
      rig.turn(() => side.link.write(octets, 0, octets.length));

      let connecting = true;
      let lost = 0;
      const seen = new Set<string>();
      const clients = Array.from({ length: 4 }, async () => {
        while (connecting) {
          const socket = rig.tlsClient(port, { ca: authority.cert, servername: "localhost" });
          const came = await Promise.race([once(socket, "secureConnect").then(() => true), closed(socket)]);
          if (came) seen.add(socket.getPeerCertificate().serialNumber);
          else lost++;
          socket.destroy();
        }
      });
      for (let i = 0; i < 5; i++) {
        await pause(60);
        const before = echoed;
        await listening.setTls({ ...tls(), fallback: await authority.issue("localhost", `change${i}.example.com`) });
        await until(() => echoed > before, "the traffic to go on");
      }
      await pause(60);
      connecting = false;
      await Promise.all(clients);
      expect(seen.size).toBeGreaterThanOrEqual(5);
      // Where the port has to be opened anew, who is just then waiting to be accepted is lost.
      if (listening.via.api === "node:tls") expect(lost).toBe(0);
      else expect(lost).toBeLessThanOrEqual(5 * 8);
    });

    it.each([
      ["resets", (socket: Socket) => socket.resetAndDestroy()],
      ["finishes", (socket: Socket) => socket.end()],
    ])("forgets at once a client that %s in the middle of its handshake", async (_, leave) => {
      const limits = new AddressLimits({ connections: 10, connectionsPerAddress: 10 });
      const { port, sides } = await rig.listen({ tls: tls(), limits, handshakeSeconds: 60 });
      for (const beginning of [clientHello(3).subarray(0, 5), clientHello(3)]) {
        const socket = rig.client(port);
        await once(socket, "connect");
        socket.write(beginning);
        await until(() => limits.total === 1, "the connection");
        await pause(10);
        leave(socket);
        await until(() => limits.total === 0, "the limits to forget it");
      }
      expect(sides).toEqual([]);
    });
  });

  describe("a dial", () => {
    /** `relay.example.com` and the like, without a DNS. */
    const resolver = (names: Record<string, string[]>): Resolver => ({
      addresses: (host) => (names[host] ? Promise.resolve(names[host]) : Promise.reject(new Error("ENOTFOUND"))),
      services: () => Promise.reject(new Error("ENOTFOUND")),
    });
    const local = resolver({ "relay.example.com": ["127.0.0.1"], "other.example.com": ["127.0.0.1"] });

    it("proves itself with its own certificate and learns the names of the other", async () => {
      const { port, sides } = await rig.listen({ tls: many });
      const own = await authority.issue("us.example.net");
      const side = await rig.open(
        { secure: true, host: "relay.example.com", port },
        { resolver: local, tls: { ca: [authority.cert], system: false, own } },
      );
      expect(side.link.peer.names).toEqual(["relay.example.com", "localhost"]);
      await until(() => sides.length === 1, "the connection");
      expect(sides[0]?.link.peer.names).toEqual(["us.example.net"]);
    });

    it("does not mind the dot of a fully qualified name", async () => {
      const { port } = await rig.listen({ tls: many });
      const names = resolver({ "relay.example.com.": ["127.0.0.1"] });
      await rig.open({ secure: true, host: "relay.example.com.", port }, { ...believing(), resolver: names });
    });

    it("accepts an address when the certificate has that address", async () => {
      const { port } = await rig.listen({ tls: many });
      const side = await rig.open({ secure: true, host: "127.0.0.1", port }, believing());
      expect(side.link.peer.secure).toBe(true);
    });

    it("tells each step to whoever asks", async () => {
      const { port } = await rig.listen({ tls: many });
      const steps: string[] = [];
      const progress = (step: string, detail: string) => steps.push(`${step}: ${detail}`);
      await rig.open({ secure: true, host: "relay.example.com", port }, { ...believing(), resolver: local, progress });
      expect(steps).toEqual([
        `resolve: relay.example.com is 127.0.0.1:${port}`,
        `connect: 127.0.0.1:${port}`,
        expect.stringMatching(
          /^certificate: TLSv1.3, DNS:relay.example.com, .* issued by parley test authority, valid/,
        ),
      ]);
    });

    it.each([
      ["plain TCP", false],
      ["TLS", true],
    ])("over %s leaves by the address that its destination asks for", async (_, secure) => {
      const { port, sides } = await rig.listen({ host: "::", ...(secure && { tls: many }) });
      const line = (to: string, address: string) => ({ to: new Egress([to]), address });
      const from = [
        line("other.example.com", "127.0.0.9"),
        line("10.0.0.0/8", "127.0.0.8"),
        line("loopback", "::1"), // of the other family
        line("127.0.0.0/8", "127.0.0.7"),
      ];
      const dial = async (host: string, resolver: Resolver) => {
        const side = await rig.open({ secure, host, port }, { ...believing(), resolver, from });
        await until(() => sides.length > 0, "the connection");
        return [side.link.peer.address, sides.splice(0)[0]?.link.peer.address];
      };
      const six = resolver({ localhost: ["::1"] });
      expect(await dial("relay.example.com", local)).toEqual(["127.0.0.1", "127.0.0.7"]);
      expect(await dial("localhost", six)).toEqual(["::1", "::1"]);
      if (!secure) expect(await dial("other.example.com", local)).toEqual(["127.0.0.1", "127.0.0.9"]);
      const none = { ...believing(), resolver: local, from: [line("any", "192.0.2.1")] };
      expect(await rig.dial({ secure, host: "relay.example.com", port }, none)).toMatchObject({
        why: "UNREACHABLE",
        detail: expect.stringContaining("from 192.0.2.1"),
      });
    });

    it("goes on to the next address when one fails", async () => {
      const { port } = await rig.listen({ host: "127.0.0.1" });
      const names = resolver({ "relay.example.com": ["127.0.0.7", "127.0.0.1"] });
      const side = await rig.open({ host: "relay.example.com", port }, { resolver: names });
      expect(side.link.peer.address).toBe("127.0.0.1");
    });

    describe("fails with CERTIFICATE", () => {
      const fails = async (pair: KeyPair, host: string, ca: string) => {
        const { port, sides } = await rig.listen({ tls: { ...many, fallback: pair } });
        const outcome = await rig.dial(
          { secure: true, host, port },
          { resolver: local, tls: { ca: [ca], system: false } },
        );
        await pause(20);
        for (const side of sides) expect(side.octets).toBe(0);
        return outcome;
      };

      it("when the certificate is for another name", async () => {
        const outcome = await fails(pair, "other.example.com", authority.cert);
        expect(outcome).toMatchObject({ why: "CERTIFICATE", detail: expect.stringContaining("for other names") });
      });

      it("when the authority is unknown", async () => {
        const outcome = await fails(pair, "relay.example.com", strangers.cert);
        expect(outcome).toMatchObject({ why: "CERTIFICATE", detail: expect.stringContaining("outgoing.tls.ca") });
      });

      it("when nobody is believed", async () => {
        const { port } = await rig.listen({ tls: many });
        expect(await rig.dial({ secure: true, host: "localhost", port })).toMatchObject({ why: "CERTIFICATE" });
      });

      it("when only the system's authorities are believed", async () => {
        const { port } = await rig.listen({ tls: many });
        const system = { tls: { ca: [], system: true } };
        expect(await rig.dial({ secure: true, host: "localhost", port }, system)).toMatchObject({ why: "CERTIFICATE" });
      });

      it("when it has expired", async () => {
        const outcome = await fails(
          await authority.issueExpired("relay.example.com"),
          "relay.example.com",
          authority.cert,
        );
        expect(outcome).toMatchObject({ why: "CERTIFICATE", detail: expect.stringContaining("expired") });
      });

      it("when it lacks the address asked for", async () => {
        const outcome = await fails(await authority.issue("localhost"), "127.0.0.1", authority.cert);
        expect(outcome).toMatchObject({ why: "CERTIFICATE" });
      });
    });

    it("fails with POLICY before a connection is made", async () => {
      const { port, sides } = await rig.listen({});
      const outcome = await rig.dial(
        { host: "relay.example.com", port },
        { resolver: local, egress: new Egress(["public", "10.0.0.0/8"]) },
      );
      expect(outcome).toEqual({
        why: "POLICY",
        detail:
          "relay.example.com is 127.0.0.1 (loopback), which outgoing.allow does not include: add it there if you mean it",
      });
      await pause(20);
      expect(sides).toEqual([]);
    });

    it("fails with UNRESOLVED", async () => {
      const outcome = await rig.dial({ host: "nowhere.example.com", port: 1 }, { resolver: local });
      expect(outcome).toMatchObject({ why: "UNRESOLVED", detail: expect.stringContaining("check the spelling") });
    });

    it("fails with UNREACHABLE", async () => {
      const { port, listening } = await rig.listen({});
      await listening.close();
      const outcome = await rig.dial({ port });
      expect(outcome).toMatchObject({ why: "UNREACHABLE", detail: expect.stringContaining("nothing listens") });
    });

    it("fails with UNREACHABLE where no TLS is spoken", async () => {
      const { port } = await rig.listen({}, (side) => {
        side.onReceived = () => side.link.write(Buffer.from("what?\r\n"), 0, 7);
      });
      const outcome = await rig.dial({ secure: true, host: "localhost", port }, believing());
      expect(outcome).toMatchObject({ why: "UNREACHABLE", detail: expect.stringContaining("is it a TLS port?") });
    });

    it("fails with UNREACHABLE where the handshake is cut off", async () => {
      const { port } = await rig.listen({}, (side) => {
        side.onReceived = () => side.link.close();
      });
      const outcome = await rig.dial({ secure: true, host: "localhost", port }, believing());
      expect(outcome).toMatchObject({ why: "UNREACHABLE", detail: expect.stringContaining("hung up") });
    });

    it("fails with UNREACHABLE when our own certificate cannot be used", async () => {
      const { port } = await rig.listen({ tls: many });
      const own = { cert: pair.cert, key: "no key" };
      const outcome = await rig.dial(
        { secure: true, host: "localhost", port },
        { tls: { ca: [authority.cert], system: false, own } },
      );
      expect(outcome).toMatchObject({ why: "UNREACHABLE" });
    });

    it("fails with TIMEOUT, and leaves no connection behind", async () => {
      const { port, sides } = await rig.listen({}); // takes the connection and never speaks TLS
      const outcome = await rig.dial(
        { secure: true, host: "localhost", port },
        { ...believing(), timeoutSeconds: 0.2 },
      );
      expect(outcome).toMatchObject({ why: "TIMEOUT", detail: expect.stringContaining("within 0.2 s") });
      await until(() => sides[0]?.ends === 1, "the connection to be dropped");
    });
  });
}
