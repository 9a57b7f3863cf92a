/**
 * Peers that are wrong on purpose. Strangers come in from the street; insiders have an account, and somebody who wants
 * to talk to them. Neither may be felt by anybody who does not talk to them.
 */
import type { SimNetwork } from "../sim-network.ts";
import type { Dice } from "./dice.ts";
import { RawClient, type RawFrame } from "./raw-client.ts";
import type { SimClient } from "./sim-client.ts";
import type { SimRelay } from "./sim-relay.ts";

/** What a vandal has to work with. */
export interface Scene {
  readonly net: SimNetwork;
  readonly relay: SimRelay;
  readonly dice: Dice;
  /** URIs of other people, as they may have leaked. */
  readonly leaked: () => readonly string[];
}

type Stranger = (vandal: RawClient, scene: Scene) => void;

/** By name, what a stranger does once it is connected. */
export const strangers: Readonly<Record<string, Stranger>> = {
  "says nothing": () => {},
  "spews garbage": (vandal, { dice }) => {
    const garbage = new Uint8Array(dice.between(1, 5000));
    dice.fill(garbage);
    if (dice.chance(0.5)) vandal.write("MSRP ");
    vandal.write(garbage);
  },
  "never ends its head": (vandal, { dice }) => {
    vandal.write("MSRP abcd1234 SEND\r\n");
    for (let i = dice.between(1, 400); i > 0; i--)
      vandal.write(`X-Padding-${i}: ${"x".repeat(dice.between(0, 100))}\r\n`);
  },
  "sends an octet a second": (vandal, { net, relay }) => {
    const text = `MSRP slow1234 SEND\r\nTo-Path: ${relay.uri}\r\nFrom-Path: ${vandal.own}\r\n`;
    for (let i = 0; i < text.length; i++) net.clock.in(1000 * i, () => vandal.write(text.charAt(i)));
  },
  "vanishes in the middle of a head": (vandal, { net }) => {
    vandal.write("MSRP abcd1234 SEND\r\nTo-Pa");
    net.clock.in(100, () => vandal.drop());
  },
  "guesses session ids": (vandal, { relay, dice }) => {
    for (let i = dice.between(1, 20); i > 0; i--) {
      const guess = `msrps://${relay.name}:${relay.port}/${dice.between(0, 1e9).toString(36)};tcp`;
      push(vandal, `${guess} ${vandal.own}`, "guess");
    }
  },
  "uses somebody else's URI": (vandal, { leaked, dice }) => {
    const uris = leaked();
    if (uris.length === 0) return;
    for (let i = 0; i < 5; i++) {
      const lease = dice.pick(uris);
      // To pass through it to some place else, and to pass for its holder.
      push(vandal, `${lease} msrps://elsewhere.example.com:2855/target;tcp`, "relay me");
      push(vandal, `${lease} ${dice.pick(uris)} ${vandal.own}`, "as you");
      vandal.request("AUTH", [`To-Path: ${lease} msrps://elsewhere.example.com:2855;tcp`, `From-Path: ${vandal.own}`]);
    }
  },
  "reports what nobody sent": (vandal, { leaked, dice }) => {
    const uris = leaked();
    const to = uris.length === 0 ? "msrps://r1.example.com:2855/none;tcp" : dice.pick(uris);
    vandal.request("REPORT", [`To-Path: ${to} ${vandal.own}`, `From-Path: ${vandal.own}`, "Status: 000 408"]);
    vandal.request("REPORT", [
      `To-Path: ${to}`,
      `From-Path: ${vandal.own}`,
      "Message-ID: message.1",
      "Status: 000 481",
    ]);
    vandal.write("MSRP abcd1234 REPORT\r\n-------abcd1234$\r\n");
  },
  "answers what nobody asked": (vandal, { relay, dice }) => {
    for (let i = 0; i < 20; i++) {
      const id = `${"abcdefgh"[i % 8]}aaa${dice.between(0, 1e9).toString(36).padStart(13, "a")}`.slice(0, 17);
      vandal.write(`MSRP ${id} 481 No\r\nTo-Path: ${relay.uri}\r\nFrom-Path: ${vandal.own}\r\n-------${id}$\r\n`);
    }
  },
  "asks and never reads the answers": (vandal, { relay }) => {
    vandal.setReading(false);
    for (let i = 0; i < 300; i++) vandal.request("AUTH", [`To-Path: ${relay.uri}`, `From-Path: ${vandal.own}`]);
  },
};

/** By name, what an insider does with a SEND that was meant for it; and what it sends, once it knows somebody. */
interface Insider {
  /** When the head has come. */
  readonly head?: (vandal: RawClient, frame: RawFrame, scene: Scene) => void;
  /** When the frame has ended. */
  readonly frame?: (vandal: RawClient, frame: RawFrame, scene: Scene) => void;
  /** When somebody may be reached at `path`. */
  readonly met?: (vandal: RawClient, path: string, scene: Scene) => void;
}

const fine = (vandal: RawClient, frame: RawFrame) => vandal.respond(frame, "200 OK");

export const insiders: Readonly<Record<string, Insider>> = {
  "never answers": {},
  "answers late": {
    frame: (vandal, frame, { net, dice }) => net.clock.in(dice.between(29_000, 60_000), () => fine(vandal, frame)),
  },
  "answers twice": {
    frame: (vandal, frame) => {
      fine(vandal, frame);
      vandal.respond(frame, "481 No such session");
      fine(vandal, frame);
    },
  },
  "answers under wrong ids": {
    frame: (vandal, frame) => vandal.respond(frame, "200 OK", `${frame.id.slice(0, -1)}x`),
  },
  "refuses in the middle": {
    head: (vandal, frame) => vandal.respond(frame, "413 Too much"),
  },
  "refuses with a status nobody knows": {
    frame: (vandal, frame) => vandal.respond(frame, "699 Because"),
  },
  "never reads": {
    met: (vandal) => vandal.setReading(false),
  },
  "vanishes in the middle of a body": {
    head: (vandal, _frame, { net, dice }) => net.clock.in(dice.between(0, 50), () => vandal.drop()),
  },
  "is cut off in the middle of a body": {
    met: (vandal, path, { net }) => {
      vandal.write(`MSRP half1234 SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${vandal.own}\r\nMessage-ID: vandal.half\r\n`);
      vandal.write("Byte-Range: 1-*/100000\r\nContent-Type: a/b\r\n\r\nonly the beginning\r\n-----");
      net.clock.in(200, () => vandal.drop());
    },
    frame: fine,
  },
  "lies about Byte-Range": {
    met: (vandal, path, { dice }) => {
      const ranges = ["1-5/5", "100-200/50", "0-0/0", "9007199254740993-*/*", "5-1/9", "*-*/*", "1-*/4", "99-100/100"];
      for (const range of ranges) {
        const head = sendHead(vandal, path, `vandal.${dice.between(0, 1e9)}`);
        vandal.request(
          "SEND",
          [...head, `Byte-Range: ${range}`, "Content-Type: a/b"],
          "x".repeat(dice.between(1, 5000)),
        );
      }
    },
    frame: fine,
  },
  "pushes without end": {
    met: (vandal, path, { net }) => {
      const head = sendHead(vandal, path, "vandal.endless");
      vandal.write(`MSRP endless1 SEND\r\n${head.join("\r\n")}\r\nByte-Range: 1-*/*\r\nContent-Type: a/b\r\n\r\n`);
      let rest = 60; // lots of 32 KB, for a test must end somehow
      const more = () => {
        if (vandal.closed || rest-- === 0) return;
        if (vandal.backlog < 256 * 1024) vandal.write("endless ".repeat(4096));
        net.clock.in(50, more);
      };
      more();
    },
    frame: fine,
  },
};

/** Sends a stranger in. */
export function stranger(name: string, kind: string, scene: Scene): RawClient {
  const vandal = new RawClient(scene.net, name);
  return vandal.connect(scene.relay, () => strangers[kind]?.(vandal, scene));
}

/** Sends an insider in, who gets a session with `victim`; `then` hears that the victim may send to it. */
export function insider(
  name: string,
  kind: string,
  scene: Scene,
  victim: SimClient,
  relayOfVictim: SimRelay,
  then: () => void = () => {},
): RawClient {
  const vandal = new RawClient(scene.net, name);
  const { head, frame, met } = insiders[kind] as Insider;
  vandal.onHead = (it) => {
    if (it.method === "SEND") head?.(vandal, it, scene);
  };
  vandal.onFrame = (it) => {
    if (it.method === "SEND" && it.failureReport === "yes") frame?.(vandal, it, scene);
  };
  vandal.connect(scene.relay, () =>
    vandal.authenticate(scene.relay, () =>
      scene.net.clock.in(1, () =>
        victim.authenticate(relayOfVictim, (own) => {
          if (own === undefined) return;
          scene.net.clock.in(1, () => {
            if (victim.presence?.over !== false) return;
            victim.open(name, own, vandal.sdpPath);
            met?.(vandal, `${vandal.usePath} ${own.sdpPath}`, scene);
            then();
          });
        }),
      ),
    ),
  );
  return vandal;
}

function sendHead(vandal: RawClient, path: string, messageId: string): string[] {
  return [`To-Path: ${path}`, `From-Path: ${vandal.own}`, `Message-ID: ${messageId}`];
}

function push(vandal: RawClient, path: string, body: string): void {
  const head = sendHead(vandal, path, `vandal.${body.length}`);
  vandal.request("SEND", [...head, "Byte-Range: 1-*/*", "Content-Type: text/plain"], body);
}
