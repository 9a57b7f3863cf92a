/** From "The PROXY protocol", versions 1 and 2, as haproxy.org has it. */
import { describe, expect, test } from "vitest";
import { LONGEST_HEADER, readProxyHeader } from "../../adapters/shared/proxy-protocol.ts";

const octetsOf = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

function version2(command: number, family: number, rest: readonly number[], length = rest.length): Uint8Array {
  return Uint8Array.of(...signature, command, family, length >> 8, length & 255, ...rest);
}

const ipv4 = [192, 0, 2, 1, 198, 51, 100, 1, 0x1f, 0x90, 0x0b, 0x27];
const ipv6 = [
  [0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 7],
  [0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 8],
  [0xd9, 0x03, 0x0b, 0x27],
].flat();
/** PP2_TYPE_AUTHORITY and PP2_TYPE_NOOP. */
const tlvs = [0x02, 0x00, 0x03, 0x61, 0x62, 0x63, 0x04, 0x00, 0x02, 0x00, 0x00];

const from4 = { address: "192.0.2.1", port: 8080 };
const from6 = { address: "2001:db8::7", port: 55_555 };

describe("a header of the PROXY protocol", () => {
  const whole: readonly [string, Uint8Array, { address: string; port: number } | undefined][] = [
    ["version 1, TCP4", octetsOf("PROXY TCP4 192.0.2.1 198.51.100.1 8080 2855\r\n"), from4],
    ["version 1, TCP6", octetsOf("PROXY TCP6 2001:db8::7 2001:db8::8 55555 2855\r\n"), from6],
    ["version 1, an IPv4 address in an IPv6 one", octetsOf("PROXY TCP6 ::ffff:192.0.2.1 ::1 8080 1\r\n"), from4],
    ["version 1, UNKNOWN", octetsOf("PROXY UNKNOWN\r\n"), undefined],
    ["version 1, UNKNOWN with something behind it", octetsOf("PROXY UNKNOWN ff:ff ff:ff 65535 65535\r\n"), undefined],
    [
      "version 1, the longest line there can be",
      octetsOf(`PROXY UNKNOWN ${"f".repeat(39)} ${"f".repeat(39)} 65535\r\n`),
      undefined,
    ],
    ["version 2, TCP over IPv4", version2(0x21, 0x11, ipv4), from4],
    ["version 2, TCP over IPv6", version2(0x21, 0x21, ipv6), from6],
    ["version 2, with TLVs behind the addresses", version2(0x21, 0x11, [...ipv4, ...tlvs]), from4],
    ["version 2, LOCAL", version2(0x20, 0x00, []), undefined],
    ["version 2, LOCAL with addresses, which mean nothing", version2(0x20, 0x11, ipv4), undefined],
    ["version 2, an unknown family with TLVs", version2(0x21, 0x00, tlvs), undefined],
    [
      "version 2, a Unix socket",
      version2(
        0x21,
        0x31,
        Array.from({ length: 216 }, () => 47),
      ),
      undefined,
    ],
  ];

  test.each(whole)("%s, cut at every octet", (_, octets, origin) => {
    for (let cut = 0; cut < octets.length; cut++) {
      expect([cut, readProxyHeader(octets.subarray(0, cut))]).toEqual([cut, "more"]);
    }
    const header = origin === undefined ? { end: octets.length } : { end: octets.length, origin };
    expect(readProxyHeader(octets)).toEqual(header);
    // What stands behind it belongs to the connection, whatever it is; and memory may begin anywhere.
    const longer = Uint8Array.of(9, 9, 9, ...octets, 0x0d, 0x0a, 0x50, 0x16).subarray(3);
    expect(readProxyHeader(longer)).toEqual(header);
  });

  test.each([
    ["nothing of the kind", octetsOf("MSRP a786hjs2 AUTH\r\n")],
    ["a TLS hello", Uint8Array.of(0x16, 0x03, 0x01)],
    ["a signature with one octet wrong", Uint8Array.of(...signature.slice(0, 11), 0x0b)],
    ["small letters", octetsOf("proxy TCP4 192.0.2.1 198.51.100.1 8080 2855\r\n")],
    ["another transport", octetsOf("PROXY UDP4 192.0.2.1 198.51.100.1 8080 2855\r\n")],
    ["an address of the other family", octetsOf("PROXY TCP4 2001:db8::7 2001:db8::8 8080 2855\r\n")],
    ["an address that is none", octetsOf("PROXY TCP4 192.0.2.256 198.51.100.1 8080 2855\r\n")],
    ["a name for an address", octetsOf("PROXY TCP4 example.com 198.51.100.1 8080 2855\r\n")],
    ["an address with a zone", octetsOf("PROXY TCP6 fe80::1%eth0 ::1 8080 2855\r\n")],
    ["a destination that is none", octetsOf("PROXY TCP4 192.0.2.1 x 8080 2855\r\n")],
    ["a port above 65535", octetsOf("PROXY TCP4 192.0.2.1 198.51.100.1 65536 2855\r\n")],
    ["a port with a zero before it", octetsOf("PROXY TCP4 192.0.2.1 198.51.100.1 080 2855\r\n")],
    ["two spaces", octetsOf("PROXY TCP4  192.0.2.1 198.51.100.1 8080 2855\r\n")],
    ["a word too many", octetsOf("PROXY TCP4 192.0.2.1 198.51.100.1 8080 2855 1\r\n")],
    ["a word too few", octetsOf("PROXY TCP4 192.0.2.1 198.51.100.1 8080\r\n")],
    ["a line feed alone", octetsOf("PROXY UNKNOWN\n")],
    ["a carriage return alone", octetsOf("PROXY UNKNOWN\rx")],
    ["a line that does not end", octetsOf(`PROXY UNKNOWN ${"f".repeat(93)}`)],
    ["a line whose CRLF is one octet too late", octetsOf(`PROXY UNKNOWN ${"f".repeat(92)}\r\n`)],
    ["version 3", version2(0x31, 0x11, ipv4)],
    ["a command that is none", version2(0x22, 0x11, ipv4)],
    ["a family that is none", version2(0x21, 0x41, ipv4)],
    ["a transport that is none", version2(0x21, 0x13, ipv4)],
    ["no room for IPv4 addresses", version2(0x21, 0x11, ipv4.slice(1))],
    ["no room for IPv6 addresses", version2(0x21, 0x21, ipv6.slice(1))],
    ["a length beyond the bound", version2(0x21, 0x11, ipv4, LONGEST_HEADER - 15)],
  ])("is refused: %s", (_, octets) => {
    expect(readProxyHeader(octets)).toEqual({ malformed: expect.stringMatching(/\w/) });
  });

  test("of version 2 is read up to the bound", () => {
    const rest = [...ipv4, ...Array.from({ length: LONGEST_HEADER - 16 - ipv4.length }, () => 0)];
    expect(readProxyHeader(version2(0x21, 0x11, rest))).toEqual({ end: LONGEST_HEADER, origin: from4 });
  });

  test.each([
    ["::", Array.from({ length: 16 }, () => 0)],
    ["::1", [...Array.from({ length: 15 }, () => 0), 1]],
    ["2001:db8::1:0:0:1", [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]],
    ["2001:db8:1:1:1:1:0:1", [0x20, 1, 0xd, 0xb8, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1]],
    ["192.0.2.1", [...Array.from({ length: 10 }, () => 0), 0xff, 0xff, 192, 0, 2, 1]],
  ])("spells an address as a socket would: %s", (address, octets) => {
    const reading = readProxyHeader(version2(0x21, 0x21, [...octets, ...ipv6.slice(16)]));
    expect(reading).toMatchObject({ origin: { address } });
  });
});
