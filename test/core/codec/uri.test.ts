/** MSRP URIs: the grammar of RFC 4975 §9, the comparison of §6.1, and the bounds that are ours. */
import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import { formatUri, MAX_URI, parseUri, readUri, sameUri, type Uri } from "../../../core/codec/uri.ts";

const plain = { secure: false, userinfo: "", host: "host.example.com", port: 0, sessionId: "", transport: "tcp" };

describe("a URI is read (RFC 4975 §9)", () => {
  const good: [text: string, expected: Partial<Uri>][] = [
    ["msrp://host.example.com:8493/asfd34;tcp", { port: 8493, sessionId: "asfd34" }], // §6
    ["msrp://host.example.com;tcp", {}],
    ["msrps://host.example.com;tcp", { secure: true }],
    ["MSRPS://HOST.Example.COM;TCP", { secure: true }],
    ["msrp://host.example.com.;tcp", {}],
    ["msrp://host.example.com/a/b/c;tcp", { sessionId: "a/b/c" }],
    ["msrp://host.example.com/aZ09-._~+=/;tcp", { sessionId: "aZ09-._~+=/" }],
    ["msrp://host.example.com:1;tcp", { port: 1 }],
    ["msrp://host.example.com:65535;tcp", { port: 65535 }],
    ["msrp://host.example.com:02855;tcp", { port: 2855 }],
    ["msrp://alice@host.example.com;tcp", { userinfo: "alice" }], // RFC 4976 §5.1
    ["msrp://alice:x%40y!$&'()*+,=@host.example.com;tcp", { userinfo: "alice:x%40y!$&'()*+,=" }],
    ["msrp://@host.example.com;tcp", { userinfo: "" }],
    ["msrp://h%6Fst.example%2ecom;tcp", {}],
    ["msrp://192.0.2.1:2855;tcp", { host: "192.0.2.1", port: 2855 }],
    ["msrp://localhost;tcp", { host: "localhost" }],
    ["msrp://h_o-s~t;tcp", { host: "h_o-s~t" }],
    [
      "msrps://df7jal23ls0d.invalid/98cjs;ws",
      { secure: true, host: "df7jal23ls0d.invalid", sessionId: "98cjs", transport: "ws" },
    ], // RFC 7977 §5
    ["msrp://host.example.com;sctp", { transport: "sctp" }],
    ["msrp://host.example.com;X2", { transport: "x2" }],
    ["msrp://host.example.com;tcp;a=b;c;d=e", {}],
    ["msrp://host.example.com/s;tcp;tcp", { sessionId: "s" }],
  ];
  test.each(good)("%s", (text, expected) => {
    expect(parseUri(text)).toEqual({ ...plain, ...expected });
  });

  const addresses: [written: string, host: string][] = [
    ["[2001:db8::1]", "2001:db8:0:0:0:0:0:1"],
    ["[2001:DB8::1]", "2001:db8:0:0:0:0:0:1"],
    ["[2001:0db8:0000:0000:0000:0000:0000:0001]", "2001:db8:0:0:0:0:0:1"],
    ["[2001:db8:0:0::1]", "2001:db8:0:0:0:0:0:1"],
    ["[::]", "0:0:0:0:0:0:0:0"],
    ["[::1]", "0:0:0:0:0:0:0:1"],
    ["[1::]", "1:0:0:0:0:0:0:0"],
    ["[1:2:3:4:5:6:7::]", "1:2:3:4:5:6:7:0"],
    ["[::2:3:4:5:6:7:8]", "0:2:3:4:5:6:7:8"],
    ["[::ffff:192.0.2.1]", "0:0:0:0:0:ffff:c000:201"],
    ["[1:2:3:4:5:6:192.0.2.1]", "1:2:3:4:5:6:c000:201"],
    ["[fe80::1%25eth0]", "fe80:0:0:0:0:0:0:1"], // RFC 6874
    ["[FE80::1%eth0]", "fe80:0:0:0:0:0:0:1"], // what people write
    ["[fe80::1%1]", "fe80:0:0:0:0:0:0:1"],
  ];
  test.each(addresses)("IPv6 %s", (written, host) => {
    expect(parseUri(`msrp://${written}:2855/s;tcp`)).toEqual({ ...plain, host, port: 2855, sessionId: "s" });
    expect(parseUri(`msrp://user@${written};tcp`)).toEqual({ ...plain, host, userinfo: "user" });
  });
});

describe("what is no MSRP URI is refused", () => {
  const bad: [name: string, text: string][] = [
    ["nothing", ""],
    ["another scheme", "sip://host.example.com;tcp"],
    ["a scheme with more behind it", "msrpss://host.example.com;tcp"],
    ["no scheme", "host.example.com;tcp"],
    ["one slash", "msrp:/host.example.com;tcp"],
    ["no host", "msrp://;tcp"],
    ["no host but a port", "msrp://:2855;tcp"],
    ["no host but a user", "msrp://alice@;tcp"],
    ["no transport", "msrp://host.example.com:2855/abc"],
    ["an empty transport", "msrp://host.example.com:2855/abc;"],
    ["a transport with a dash", "msrp://host.example.com;tc-p"],
    ["an empty session-id", "msrp://host.example.com/;tcp"],
    ["a session-id with a percent sign", "msrp://host.example.com/a%20b;tcp"],
    ["a session-id that is not ASCII", "msrp://host.example.com/\xe9;tcp"],
    ["a question mark", "msrp://host.example.com/a?b;tcp"],
    ["a fragment", "msrp://host.example.com/a#b;tcp"],
    ["port 0", "msrp://host.example.com:0;tcp"],
    ["port 65536", "msrp://host.example.com:65536;tcp"],
    ["a port of six digits", "msrp://host.example.com:002855;tcp"],
    ["an empty port", "msrp://host.example.com:;tcp"],
    ["a port of letters", "msrp://host.example.com:http;tcp"],
    ["a negative port", "msrp://host.example.com:-1;tcp"],
    ["two ports", "msrp://host.example.com:1:2;tcp"],
    ["two at-signs", "msrp://a@b@host.example.com;tcp"],
    ["a semicolon in userinfo", "msrp://a;b@host.example.com;tcp"],
    ["a space in userinfo", "msrp://a b@host.example.com;tcp"],
    ["a tab in userinfo", "msrp://a\tb@host.example.com;tcp"],
    ["a space in the host", "msrp://host example;tcp"],
    ["a host that is not ASCII", "msrp://h\xf6st.example.com;tcp"],
    ["a host that is only a dot", "msrp://.;tcp"],
    ["a host with two dots behind it", "msrp://host..;tcp"],
    ["a host with an empty label", "msrp://host..example.com;tcp"],
    ["a host with an encoded empty label", "msrp://host.%2Eexample.com;tcp"],
    ["a host with a lone percent sign", "msrp://h%st;tcp"],
    ["a host with half an escape", "msrp://host%2;tcp"],
    ["an empty URI parameter", "msrp://host.example.com;tcp;"],
    ["a URI parameter with an empty value", "msrp://host.example.com;tcp;a="],
    ["a URI parameter with a quoted value", 'msrp://host.example.com;tcp;a="b"'],
    ["a URI parameter with a tab", "msrp://host.example.com;tcp;a\tb"],
    ["a line end behind it", "msrp://host.example.com;tcp\n"],
    ["a space behind it", "msrp://host.example.com;tcp "],
    ["a space before it", " msrp://host.example.com;tcp"],
    ["brackets around a name", "msrp://[host];tcp"],
    ["empty brackets", "msrp://[]:1;tcp"],
    ["IPv6 without brackets", "msrp://2001:db8::1;tcp"],
    ["IPv6 of seven groups", "msrp://[1:2:3:4:5:6:7]:1;tcp"],
    ["IPv6 of nine groups", "msrp://[1:2:3:4:5:6:7:8:9]:1;tcp"],
    ["IPv6 of eight groups and ::", "msrp://[1:2:3:4::5:6:7:8]:1;tcp"],
    ["IPv6 with :: twice", "msrp://[1::2::3]:1;tcp"],
    ["IPv6 with three colons", "msrp://[1:::2]:1;tcp"],
    ["IPv6 with a group of five", "msrp://[12345::]:1;tcp"],
    ["IPv6 that ends in a colon", "msrp://[1:2:3:4:5:6:7:]:1;tcp"],
    ["IPv6 with IPv4 in the middle", "msrp://[::192.0.2.1:1]:1;tcp"],
    ["IPv6 with IPv4 above 255", "msrp://[::192.0.2.256]:1;tcp"],
    ["IPv6 with IPv4 of padded digits", "msrp://[::192.000.002.001]:1;tcp"],
    ["IPv6 with an empty zone", "msrp://[fe80::1%]:1;tcp"],
    ["IPv6 with a slash in its zone", "msrp://[fe80::1%e/0]:1;tcp"],
  ];
  test.each(bad)("%s", (_name, text) => {
    expect(parseUri(text)).toBeUndefined();
  });

  test(`more than ${MAX_URI} octets, which is our bound`, () => {
    const sized = (size: number) => `msrp://h/${"s".repeat(size - "msrp://h/;tcp".length)};tcp`;
    expect(parseUri(sized(1024))).toBeDefined();
    expect(parseUri(sized(1025))).toBeUndefined();
    const long = octets(sized(1_000_000));
    expect(readUri(long, 0, long.length)).toBeUndefined();
  });
});

describe("two URIs are compared by RFC 4975 §6.1", () => {
  const A = "msrp://host.example.com:2855/Session1;tcp";
  const pairs: [rule: string, a: string, b: string, same: boolean][] = [
    ["equal octets", A, A, true],
    ["rule 1: schemes differ", A, "msrps://host.example.com:2855/Session1;tcp", false],
    ["rule 1: the scheme in other letters", A, "MSRP://host.example.com:2855/Session1;tcp", true],
    ["rule 2: the host in other letters", A, "msrp://HOST.example.COM:2855/Session1;tcp", true],
    ["rule 2: hosts differ", A, "msrp://host.example.org:2855/Session1;tcp", false],
    ["rule 2: percent-encoded letters", A, "msrp://%68ost%2Eexample.%63om:2855/Session1;tcp", true],
    ["rule 2: percent-encoded letters in other letters", A, "msrp://%48OST.example.com:2855/Session1;tcp", true],
    ["rule 2: escapes that stay, in other letters", "msrp://a%2Fb;tcp", "msrp://a%2fb;tcp", true],
    ["rule 2: reserved characters are not decoded", "msrp://a%2Cb;tcp", "msrp://a,b;tcp", false],
    ["rule 2: userinfo is not considered", A, "msrp://bob@host.example.com:2855/Session1;tcp", true],
    ["rule 2: userinfo of both", "msrp://bob@h;tcp", "msrp://alice@h;tcp", true],
    ["rule 2: IPv4", "msrp://192.0.2.1:9;tcp", "msrp://192.0.2.1:9;tcp", true],
    ["rule 2: IPv4 of other addresses", "msrp://192.0.2.1:9;tcp", "msrp://192.0.2.2:9;tcp", false],
    [
      "rule 2: one IPv6 address in two spellings",
      "msrp://[2001:DB8::1]:9;tcp",
      "msrp://[2001:db8:0:0:0:0:0:01]:9;tcp",
      true,
    ],
    ["rule 2: IPv6 with IPv4 in it", "msrp://[::ffff:192.0.2.1]:9;tcp", "msrp://[::ffff:c000:0201]:9;tcp", true],
    ["rule 2: IPv6 of other addresses", "msrp://[2001:db8::1]:9;tcp", "msrp://[2001:db8::2]:9;tcp", false],
    ["rule 2: an IPv4 address and its IPv6 form", "msrp://192.0.2.1:9;tcp", "msrp://[::ffff:192.0.2.1]:9;tcp", false],
    ["rule 2: equal ports with zeros before", A, "msrp://host.example.com:02855/Session1;tcp", true],
    ["rule 3: ports differ", A, "msrp://host.example.com:2856/Session1;tcp", false],
    ["rule 3: the recommended port is no default", A, "msrp://host.example.com/Session1;tcp", false],
    ["rule 3: no port in either", "msrp://h/s;tcp", "msrp://h/s;tcp", true],
    ["rule 4: the session-id in other letters", A, "msrp://host.example.com:2855/session1;tcp", false],
    ["rule 4: no session-id in one", A, "msrp://host.example.com:2855;tcp", false],
    ["rule 4: no session-id in either", "msrp://h:1;tcp", "msrp://H:1;tcp", true],
    ["rule 4: one more slash", "msrp://h:1/a/b;tcp", "msrp://h:1/a//b;tcp", false],
    ["rule 4: dots are no path", "msrp://h:1/a/../b;tcp", "msrp://h:1/b;tcp", false],
    ["rule 5: transports differ", A, "msrp://host.example.com:2855/Session1;ws", false],
    ["rule 5: the transport in other letters", A, "msrp://host.example.com:2855/Session1;TCP", true],
    ["rule 5: an unknown transport", "msrp://h;x1", "msrp://h;X1", true],
    ["no rule: other parameters do not count", A, `${A};a=b`, true],
    ["no rule: their order does not count", `${A};c;a=b`, `${A};a=b;c`, true],
    ["ours: a trailing dot names the same host", A, "msrp://host.example.com.:2855/Session1;tcp", true],
    ["ours: zones do not count", "msrp://[fe80::1%25eth0]:9;tcp", "msrp://[fe80::1]:9;tcp", true],
  ];
  test.each(pairs)("%s", (_rule, a, b, same) => {
    const [uriA, uriB] = [parseUri(a) as Uri, parseUri(b) as Uri];
    expect(sameUri(uriA, uriB)).toBe(same);
    expect(sameUri(uriB, uriA)).toBe(same);
  });
});

describe("a URI of our own making is written", () => {
  test.each([
    "msrps://relay.example.com:2855/b5k2mzxq;tcp",
    "msrp://relay.example.com;tcp",
    "msrp://alice@relay.example.com;tcp",
    "msrp://[2001:db8:0:0:0:0:0:1]:2855/s;ws",
  ])("%s, and reads back", (text) => {
    const uri = parseUri(text) as Uri;
    expect(formatUri(uri)).toBe(text);
    expect(parseUri(formatUri(uri))).toEqual(uri);
  });
});
