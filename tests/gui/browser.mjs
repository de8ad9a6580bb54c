// Chromium with a profile of its own, and trust in one key: no error of another certificate
// is ignored. `made` is what tests/peers/browser.py hands over.
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

export const made = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));

export async function open() {
  const context = await chromium.launchPersistentContext(fs.mkdtempSync(path.join(made.work, "profile-")), {
    executablePath: made.chromium, headless: true, baseURL: made.url, viewport: { width: 1280, height: 860 }, acceptDownloads: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--ignore-certificate-errors-spki-list=" + made.spki],
  });
  context.setDefaultTimeout(15000);
  return context;
}
