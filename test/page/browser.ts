/** Debian's Chromium, and a page in it that keeps what goes wrong. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { type Need, program, whereIs } from "../support/present.ts";

export const chromiumIsHere: Need = program("chromium", "chromium");

/** Nothing that would call its makers, and no sandbox, which containers do not allow. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: whereIs("chromium") ?? "chromium", args: flags });
}

export interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors on the console, exceptions, and requests to others; empty when all is well. */
  readonly wrong: string[];
  /** Every URL that was asked for. */
  readonly asked: string[];
}

/** @param expected  errors on the console that a test brings about */
export async function visit(browser: Browser, url: string, expected = /^$/): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const wrong: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !expected.test(message.text())) wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    asked.push(request.url());
    if (new URL(request.url()).origin !== new URL(url).origin) wrong.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return { context, page, wrong, asked };
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
}
