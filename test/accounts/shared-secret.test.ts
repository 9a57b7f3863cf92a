/** Credentials that a web application makes, as TURN servers use them (draft-uberti-behave-turn-rest-00). */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SharedSecretAccounts } from "../../adapters/accounts/shared-secret.ts";

const secret = "a secret of some length";
const noon = 1_800_000_000;

const passwordOf = (username: string, of = secret) => createHmac("sha1", of).update(username).digest("base64");

describe("a time-limited credential", () => {
  const store = new SharedSecretAccounts([secret], () => noon * 1000);

  test("has the password that the draft says", async () => {
    const username = `${noon + 60}:alice`;
    expect(await store.find(username)).toMatchObject({ password: passwordOf(username), expired: false });
  });

  test("belongs to the user behind its colon, whatever that name is made of", async () => {
    expect((await store.find(`${noon + 60}:alice`))?.user).toBe("alice");
    expect((await store.find(`${noon + 60}:a:b:ü`))?.user).toBe("a:b:ü");
  });

  test("has ended in the second that it names", async () => {
    expect((await store.find(`${noon + 1}:alice`))?.expired).toBe(false);
    expect((await store.find(`${noon}:alice`))?.expired).toBe(true);
    expect((await store.find("0:alice"))?.expired).toBe(true);
  });

  test.each([
    "alice",
    ":alice",
    "18000x:alice",
    `${noon + 60}`,
    `${noon + 60}:`,
    "-5:alice",
    "1e9:alice",
    "9".repeat(13),
  ])("is not %s", async (username) => expect(await store.find(username)).toBeUndefined());

  test("may be made with any of the secrets while they are changed", async () => {
    const changing = new SharedSecretAccounts(["the new secret of all", secret], () => noon * 1000);
    const username = `${noon + 60}:alice`;
    expect(await changing.find(username)).toMatchObject({
      password: passwordOf(username, "the new secret of all"),
      olderPasswords: [passwordOf(username)],
    });
  });
});
