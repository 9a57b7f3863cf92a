import { describe, expect, test } from "vitest";
import { AuthPauses, networkOf } from "../../../core/session/auth-pauses.ts";

describe("what counts as one address", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["2001:0db8::", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["1:2:3:4:5::", "1:2:3:4"],
    ["fe80::1:2:3:4", "fe80:0:0:0"],
    ["", ""],
  ])("%s is %s", (address, network) => expect(networkOf(address)).toBe(network));
});

describe("the tables of failures", () => {
  test("keep 65,536 of each, whatever strangers do", () => {
    const pauses = new AuthPauses(() => ({ authFailuresPerAddress: 5, authFailuresPerUser: 5, authPauseSeconds: 60 }));
    for (let i = 0; i < 70_000; i++) {
      pauses.failed(`192.0.2.${i}`, `user${i}`, i);
      pauses.succeeded(`198.51.100.${i}`, `user${i}`);
    }
    expect(pauses.size).toBe(2 * 65_536);
  });

  test("stay empty where there is no limit", () => {
    const pauses = new AuthPauses(() => ({ authFailuresPerAddress: 0, authFailuresPerUser: 0, authPauseSeconds: 60 }));
    for (let i = 0; i < 100; i++) pauses.failed("192.0.2.1", "alice", i);
    pauses.succeeded("192.0.2.1", "alice");
    expect(pauses.size).toBe(0);
    expect(pauses.mustWait("192.0.2.1", "alice", 100)).toBe(false);
  });
});
