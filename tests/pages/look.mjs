// Looks at a page with axe, in Chromium, on screen and on paper, at two widths; takes pictures.
//
// Arguments: the page (a file), the folder for the pictures. Out (stdout): what axe finds wrong,
// [{id, impact, help, width, nodes: [html]}], and whether the page asked for anything from outside.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [file, folder] = process.argv.slice(2);
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WIDTHS = [1100, 390];

const browser = await chromium.launch({
  executablePath: process.env.PAINPLAN_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--disable-gpu", "--disable-dev-shm-usage"],
  chromiumSandbox: process.getuid() !== 0,
});
const found = [];
const asked = [];
for (const width of WIDTHS) {
  const context = await browser.newContext({ offline: true, viewport: { width, height: 900 } });
  const page = await context.newPage();
  page.on("request", (request) => asked.push(request.url()));
  await page.setContent(readFileSync(file, "utf-8"));
  await page.screenshot({ path: `${folder}/page-${width}.png`, fullPage: true });
  await page.evaluate(readFileSync(AXE, "utf-8"));
  const { violations } = await page.evaluate(
    (tags) => axe.run(document, { runOnly: { type: "tag", values: tags } }),
    TAGS,
  );
  for (const { id, impact, help, nodes } of violations) {
    found.push({ id, impact, help, width, nodes: nodes.map((node) => node.html) });
  }
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (overflow > 0) {
    found.push({ id: "overflow", impact: "serious", help: `${overflow} px too wide`, width, nodes: [] });
  }
  if (width === WIDTHS[0]) {
    await page.pdf({ path: `${folder}/page.pdf`, format: "A4" });
  }
  await context.close();
}
await browser.close();
process.stdout.write(JSON.stringify({ found, asked }));
