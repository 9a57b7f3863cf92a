/** What the system's resolver does without any name server; with one, see test/interop/dns.test.ts. */
import { describe, expect, it } from "vitest";
import { SystemResolver } from "../../adapters/shared/system-resolver.ts";

describe("a name of this machine", () => {
  it.each(["localhost", "relay.localhost", "a.b.localhost"])(
    "%s is a loopback address (RFC 6761 §6.3)",
    async (name) => {
      const resolver = new SystemResolver({ servers: ["127.0.0.1:9"], hostsFile: "/nonexistent" });
      const found = await resolver.addresses(name);
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter((address) => !/^127\.|^::1$/.test(address))).toEqual([]);
    },
  );
});
