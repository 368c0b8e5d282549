import { createHash } from 'node:crypto';
import { comparison } from './comparison.ts';
import { Html, html } from './html.ts';
import { openPlots } from './plots.ts';
import type { ReportedRun } from './run.ts';
import { script } from './script.ts';
import type { Section } from './sections/section.ts';
import { sections } from './sections/table.ts';
import { style } from './style.ts';
import { verdictOf } from './verdict.ts';

/** What `<meta name="generator">` of a report says: by it, a file is known for one that may be written over. */
export const generator = 'bertune report';

/**
 * A report of runs, one or several side by side: one HTML page that asks for nothing from elsewhere and needs no script.
 *
 * @param runs at least one
 */
export async function reportPage(runs: readonly ReportedRun[], version: string): Promise<string> {
  const parts = await shownParts(runs);
  const names = runs.map(({ name }) => name).join(', ');
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${Html.trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="${generator}">
<title>${names}: report</title>
<link rel="icon" href="data:,">
<style>${Html.trusted(style)}</style>
</head>
<body class="${runs.length > 1 ? 'several' : 'one'}">
<a class="skip" href="#content">Skip to the figures</a>
<header><h1>${runs.length === 1 ? names : 'Runs side by side'}</h1>
<div class="side">${runs.map((run) => verdict(run, runs.length > 1))}</div></header>
<nav aria-label="Sections"><ul>${parts.filter(hasSome).map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="content">${runs.length > 1 && comparison(runs)}
${parts.filter(hasSome).map((part) => partOf(part, runs))}
${notShown(
  parts.filter((part) => !hasSome(part)),
  runs,
)}</main>
<footer>Written by bertune ${version}. Nothing in this page is loaded from elsewhere.</footer>
<script>${Html.trusted(script)}</script>
</body>
</html>
`;
  return page.text;
}

function verdict(run: ReportedRun, isNamed: boolean): Html {
  const [first, second] = verdictOf(run);
  const when = run.finishedAt ?? run.startedAt;
  const date = when === '' ? '' : `, ${when.slice(0, 10)}`;
  return html`<div class="verdict">${isNamed && html`<h2>${run.name}</h2>`}<p class="first">${first}</p><p>${second}</p><p class="when">${run.command}${date}</p></div>`;
}

/** A section with what each run has to show in it, or why it has nothing. */
interface Part extends Pick<Section, 'title' | 'lead'> {
  readonly id: string;
  /** Of each run; undefined where runs of its kind have none of it. */
  readonly shown: readonly (Html | string | undefined)[];
}

async function shownParts(runs: readonly ReportedRun[]): Promise<Part[]> {
  const plots = await openPlots();
  return Object.entries<Section>(sections).map(([id, { title, lead, render }]) => ({
    ...{ id, title, lead },
    shown: runs.map((run) => render(run, plots)),
  }));
}

function hasSome({ shown }: Part): boolean {
  return shown.some((one) => one instanceof Html);
}

function partOf({ id, title, lead, shown }: Part, runs: readonly ReportedRun[]): Html {
  const several = runs.length > 1;
  const beside = shown.flatMap((one, i) =>
    one instanceof Html ? [html`<div>${several && html`<h3>${runs[i]?.name}</h3>`}${one}</div>`] : [],
  );
  const lacking = shown.flatMap((one, i) => (typeof one === 'string' ? [`${runs[i]?.name}: ${one}.`] : []));
  return html`<section class="card" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2><p class="lead">${lead}</p><div class="side">${beside}</div>${lacking.map(
    (line) => html`<p class="hint">${line}</p>`,
  )}</section>`;
}

/** What is left out, and why, in a line each. */
function notShown(parts: readonly Part[], runs: readonly ReportedRun[]): Html | undefined {
  const lacks = runs.flatMap(({ name, lacks }) => lacks.map((line) => (runs.length > 1 ? `${name}: ${line}` : line)));
  const all = [
    ...parts.flatMap(({ title, shown }) => {
      const reasons = new Set(shown.filter((one) => typeof one === 'string'));
      return reasons.size === 0 ? [] : [`${title}: ${[...reasons].join('; ')}.`];
    }),
    ...lacks,
  ];
  if (all.length === 0) return undefined;
  return html`<section class="card quiet" aria-labelledby="left-out"><h2 id="left-out">Not shown</h2><ul class="plain">${all.map((line) => html`<li>${line}</li>`)}</ul></section>`;
}

/** Nothing is asked of any place, and no script runs but the page's own. Drawings carry their styles. */
const policy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
