// Somebody logs in, opens the request that waits and approves it. Called by request_test.py.
import { made, open } from "./browser.mjs";

const context = await open();
try {
  const page = context.pages()[0] || await context.newPage();
  await page.goto("/requests");
  await page.fill("input[name=user]", made.user);
  await page.fill("input[name=password]", made.password);
  await page.click("button.first");
  await page.click("tbody a");
  await page.waitForSelector("h2:has-text('What differs')");
  await page.click("main .acts button.first");
  await page.click("dialog[open] button.first");
  await page.waitForSelector(".head .mark:has-text('issued')");
} finally {
  await context.close();
}
