// Fills questionnaires in LHC-Forms as a person would: by clicking and typing, in Chromium.
//
// In (stdin): [{questionnaire, fills: [{answers: [{linkId, option?, text?}], totals: [linkId]}]}].
// Out (stdout): for each questionnaire one QuestionnaireResponse for each fill, as LHC-Forms gives it.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const LFORMS = fileURLToPath(new URL("node_modules/lforms/dist/lforms/", import.meta.url));
const SCRIPTS = [
  "webcomponent/assets/lib/zone.min.js",
  "webcomponent/lhc-forms.js",
  "fhir/R4/lformsFHIR.min.js",
];
const PATIENCE = 10_000;
const SETTLED = 400;

const response = () => LForms.Util.getFormFHIRData("QuestionnaireResponse", "R4");

async function openPage(browser) {
  const context = await browser.newContext({ offline: true });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.setContent('<!doctype html><html lang="en"><body><div id="form"></div></body></html>');
  await page.addStyleTag({ path: `${LFORMS}webcomponent/styles.css` });
  for (const script of SCRIPTS) {
    await page.addScriptTag({ path: LFORMS + script });
  }
  return page;
}

async function render(page, questionnaire) {
  await page.evaluate((form) => {
    document.getElementById("form").replaceChildren();
    return LForms.Util.addFormToPage(form, "form", { fhirVersion: "R4" });
  }, questionnaire);
  await page.locator(`[id="label-${questionnaire.item.at(-1).linkId}/1"]`).waitFor();
}

async function give(page, { linkId, option, text }) {
  if (option === undefined) {
    const field = page.locator(`input[id="${linkId}/1"]`);
    await field.fill(text);
    await field.press("Tab");
    return;
  }
  const group = page.locator(`[role="radiogroup"][aria-labelledby="label-${linkId}/1"]`);
  await group.locator("label[nz-radio]").nth(option).click();
}

async function fill(page, questionnaire, { answers, totals }) {
  await render(page, questionnaire);
  for (const answer of answers) {
    await give(page, answer);
  }
  await page.waitForFunction(
    (links) => {
      const made = LForms.Util.getFormFHIRData("QuestionnaireResponse", "R4").item ?? [];
      return links.every((link) => made.some((item) => item.linkId === link));
    },
    totals,
    { timeout: PATIENCE },
  );
  await page.waitForTimeout(SETTLED);
  return page.evaluate(response);
}

const work = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({
  executablePath: process.env.PAINPLAN_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--disable-gpu", "--disable-dev-shm-usage"],
  chromiumSandbox: process.getuid() !== 0,
});
try {
  const page = await openPage(browser);
  const made = [];
  for (const { questionnaire, fills } of work) {
    const responses = [];
    for (const one of fills) {
      responses.push(await fill(page, questionnaire, one));
    }
    made.push(responses);
  }
  process.stdout.write(JSON.stringify(made));
} finally {
  await browser.close();
}
