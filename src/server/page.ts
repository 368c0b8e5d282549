import { createHash } from 'node:crypto';
import { script } from './page/script.ts';
import { style } from './page/style.ts';

/** The page at `/`: one file that asks for nothing from elsewhere. `?task=`, `?text=` and `?why` fill it in. */
export const pageHtml = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>bertune</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<h1>bertune</h1>
<p class="lead" id="lead">&nbsp;</p>
<form id="form">
<fieldset id="tasks" hidden><legend>What to do</legend></fieldset>
<label class="above" for="text">Sentence</label>
<textarea id="text" name="text" rows="3" aria-describedby="hint" spellcheck="false"></textarea>
<p class="hint" id="hint"></p>
<p class="hint" id="whyRow" hidden><label><input type="checkbox" id="why">Why? Mark the words for it and against it</label></p>
<div class="row">
<button type="submit" id="ask">Ask</button>
<button type="button" id="insert" hidden>Insert [MASK]</button>
<span id="status" role="status" aria-live="polite"></span>
</div>
</form>
<div id="results"></div>
<footer>For programs: <code>POST /predict</code>, <code>POST /fill-mask</code>, <code>POST /embed</code>, <code>POST /v1/embeddings</code>, <a href="/openapi.json">description</a>, <a href="/health">health</a>, <a href="/metrics">metrics</a></footer>
</main>
<script>${script}</script>
</body>
</html>
`;

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing but the page's own style and script runs, and it talks to this server alone. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    `script-src ${hash(script)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;
