import { createHash } from 'node:crypto';

const style = `
:root {
  color-scheme: light dark;
  --ink: #1d2433; --soft: #5b6475; --paper: #f6f7f9; --card: #ffffff; --line: #dfe3ea; --field: #8a93a5;
  --accent: #2f5bd8; --track: #e8ecf6; --bad: #b3261e; --up: #1a7044; --down: #a33a1d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8ebf2; --soft: #a4adbe; --paper: #12151c; --card: #1b2029; --line: #303848; --field: #7b869b;
    --accent: #8aa8ff; --track: #262d3b; --bad: #ff8a80; --up: #6fd09b; --down: #f0a184;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1.25rem 2rem; }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; letter-spacing: -.01em; }
h2 { margin: 0 0 .75rem; font-size: 1rem; overflow-wrap: anywhere; }
h3 { margin: 1rem 0 .4rem; font-size: .85rem; font-weight: 600; color: var(--soft); }
p { margin: 0; }
.lead { color: var(--soft); margin-bottom: 1.5rem; }
form, .card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; }
fieldset { border: 0; margin: 0 0 .9rem; padding: 0; display: flex; gap: 1.25rem; flex-wrap: wrap; }
legend { padding: 0; font-weight: 600; font-size: .9rem; margin-bottom: .25rem; }
label { font-size: .95rem; }
label.above { display: block; font-weight: 600; font-size: .9rem; margin-bottom: .35rem; }
textarea {
  width: 100%; min-height: 5rem; padding: .7rem .8rem; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--field); border-radius: .5rem; resize: vertical;
}
input[type=radio] { accent-color: var(--accent); margin: 0 .35rem 0 0; }
.hint { color: var(--soft); font-size: .85rem; margin-top: .35rem; }
.row { display: flex; gap: .75rem; align-items: center; flex-wrap: wrap; margin-top: .9rem; }
button { font: inherit; font-weight: 600; border-radius: .5rem; padding: .5rem 1.1rem; cursor: pointer; border: 1px solid transparent; }
button[type=submit] { background: var(--accent); color: var(--card); }
button[type=button] { background: transparent; color: var(--accent); border-color: var(--line); }
button:disabled { opacity: .6; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
#status { color: var(--soft); font-size: .9rem; }
#status.bad { color: var(--bad); }
#results { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); margin-top: 1.25rem; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; font-size: .95rem; }
th { text-align: left; font-weight: 500; padding: .25rem .6rem .25rem 0; overflow-wrap: anywhere; width: 36%; }
tr:first-child th, tr:first-child .percent { font-weight: 700; }
td { padding: .25rem 0; }
.percent { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-left: .6rem; width: 4.4rem; }
.change { text-align: right; font-size: .8rem; white-space: nowrap; padding-left: .4rem; width: 3.2rem; font-variant-numeric: tabular-nums; }
.rose { color: var(--up); } .fell { color: var(--down); }

.number strong { font-size: 1.6rem; }
.told { font-weight: 600; margin-bottom: .4rem; }
.track { background: var(--track); border-radius: 1rem; height: .55rem; overflow: hidden; }
mark { background: var(--track); color: inherit; border-radius: .35rem; padding: .1rem .3rem; border-bottom: 2px solid var(--accent); }
mark[data-kind='1'] { border-color: var(--up); } mark[data-kind='2'] { border-color: var(--bad); } mark[data-kind='3'] { border-color: var(--soft); }
mark[data-kind='4'] { border-style: dashed; } mark[data-kind='5'] { border-style: dotted; }
.kind { color: var(--soft); font-size: .7rem; font-weight: 600; margin-left: .35rem; }
.marked { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2; }
.bar { background: var(--accent); height: 100%; border-radius: 1rem; }
footer { margin-top: 1.75rem; color: var(--soft); font-size: .85rem; }
a { color: var(--accent); }
/* The answer stands beside the question, or close below it: nobody has to scroll for it. */
@media (min-width: 60rem) {
  main { max-width: 84rem; display: grid; grid-template-columns: 24rem minmax(0, 1fr); column-gap: 1.25rem; align-items: start; }
  h1, .lead, footer { grid-column: 1 / -1; }
  .lead { margin-bottom: 1rem; }
  #results { margin-top: 0; }
}
@media (max-width: 40rem) {
  main { padding: .6rem .75rem 1rem; }
  h1 { font-size: 1.1rem; margin: 0; }
  .lead { font-size: .85rem; margin-bottom: .5rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  form, .card { padding: .7rem .8rem; }
  fieldset { margin-bottom: .4rem; column-gap: 1rem; row-gap: 0; }
  label.above { margin-bottom: .15rem; }
  textarea { min-height: 3.4rem; padding: .4rem .6rem; }
  .hint { margin-top: .15rem; }
  .row { margin-top: .45rem; gap: .5rem; }
  button { padding: .4rem .9rem; }
  #status { font-size: .8rem; }
  #results { margin-top: .6rem; gap: .6rem; }
  h2 { margin-bottom: .2rem; font-size: .95rem; }
  h3 { margin: .4rem 0 .1rem; }
  table { font-size: .85rem; line-height: 1.3; }
  th, td { padding-top: .06rem; padding-bottom: .06rem; }
}
`;

const script = `
const find = (id) => document.getElementById(id);
const make = (tag, options, ...children) => {
  const element = Object.assign(document.createElement(tag), options);
  element.append(...children);
  return element;
};
const percent = (share) => (100 * share).toFixed(1) + ' %';
const shown = 8;
const examples = {
  predict: 'how do i send this back?',
  'fill-mask': 'where is my [MASK]?',
  embed: 'where is my parcel?\\nmy package has not come\\nhow do i reset my password?',
};
const names = { predict: 'Predict', 'fill-mask': 'Fill in the blank', embed: 'Compare texts' };
const predictHints = {
  'one label': 'The likeliest labels are shown, likeliest first.',
  'several labels': 'Labels over their thresholds are marked with \u2713; the likeliest come first.',
  'labels on tokens': 'The parts of the text that have a label are marked.',
  'a number': 'The number is shown with the interval that most such numbers lie in.',
};
const hints = {
  predict: () => (ofPairs() ? pairHint() + ' ' : '') + (predictHints[able()[0]?.answers] ?? predictHints['one label']),
  'fill-mask': () => 'Put ' + maskToken() + ' where a word is to be guessed.',
  embed: () => 'One text a line: the first is compared with the others, by the cosine of their vectors.',
};
const tables = { predict: 'Labels and scores', 'fill-mask': 'Words and probabilities', embed: 'Texts and cosines' };
let models = [];
let asked = 0;

const say = (text, isBad = false) => {
  find('status').textContent = text;
  find('status').className = isBad ? 'bad' : '';
};
const task = () => document.querySelector('input[name=task]:checked')?.value;
const able = () => models.filter((model) => model.tasks.includes(task()));
const ofPairs = () => task() === 'predict' && able().some((model) => model.pairs);
const pairHint = () => {
  const { text, pair } = able().find((model) => model.pairs).pairs;
  return 'Two texts, one a line: ' + text + ', then ' + pair + '.';
};
const maskToken = () => able()[0]?.maskToken ?? '[MASK]';

async function read(path, body) {
  const options = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(path, options).catch(() => {
    throw new Error('The server does not answer: is it still running?');
  });
  const answer = await response.json();
  // The one text of the page needs no number.
  if (!response.ok && answer.error) throw new Error(answer.error.replace(/^texts\\/0: /, '').replace(/^texts\\/0 /, 'the text '));
  return answer;
}

function choose() {
  const isMask = task() === 'fill-mask';
  find('insert').hidden = !isMask;
  find('insert').textContent = 'Insert ' + maskToken();
  find('hint').textContent = hints[task()]();
  const field = find('text');
  if (field.value === '' || Object.values(examples).includes(field.value)) field.value = examples[task()].replace('[MASK]', maskToken());
  find('results').replaceChildren();
  say('');
}

function rowsOf(answer, answers, place) {
  const list = place === undefined ? answer.scores : answer.masks[place].candidates;
  const key = place === undefined ? 'label' : 'token';
  const base = answers[0];
  const before = base === answer ? undefined : place === undefined ? base.scores : base.masks[place]?.candidates;
  // One scale for all models, so that their bars compare.
  const listOf = (one) => (place === undefined ? (one.scores ?? []) : one.masks[place]?.candidates ?? []);
  const most = Math.max(...answers.map((one) => listOf(one)[0]?.score ?? 0), 1e-9);
  return list.slice(0, shown).map((entry) => {
    const was = before?.find((other) => other[key] === entry[key])?.score;
    const points = was === undefined ? undefined : 100 * (entry.score - was);
    const bar = make('div', { className: 'bar' });
    bar.style.width = Math.max(0, 100 * entry.score / most).toFixed(1) + '%';
    const cells = [
      make('th', { scope: 'row' }, (answer.labels?.some((one) => one.label === entry.label) ? '\u2713 ' : '') + entry[key]),
      make('td', { ariaHidden: 'true' }, make('div', { className: 'track' }, bar)),
      make('td', { className: 'percent' }, task() === 'embed' ? entry.score.toFixed(3) : percent(entry.score)),
    ];
    if (before) {
      const isSame = points !== undefined && Math.abs(points) < 0.05;
      const text = points === undefined ? 'new' : isSame ? 'same' : (points > 0 ? '+' : '\\u2212') + Math.abs(points).toFixed(1);
      cells.push(make('td', { className: 'change ' + (isSame ? '' : points < 0 ? 'fell' : 'rose') }, text));
    } else if (answers.length > 1) {
      cells.push(make('td', { className: 'change' })); // bars compare only when they are of one width
    }
    return make('tr', {}, ...cells);
  });
}

function saidOf({ why, set }) {
  const reasons = { strange: 'Left unlabeled: unlike the texts that it knows.', unsure: 'Left unlabeled: it is unsure.' };
  const fits = set && 'Set of labels: ' + (set.join(', ') || 'none fits') + '.';
  return [reasons[why], fits].filter(Boolean).join(' ');
}

// The text with its parts marked, each with its label behind it.
function markedText(text, entities) {
  const marked = make('p', { className: 'marked' });
  const kinds = [...new Set(entities.map((entity) => entity.label))].sort();
  let at = 0;
  for (const { start, end, label, score } of entities) {
    const mark = make('mark', { title: label + ', ' + percent(score) }, text.slice(start, end), make('span', { className: 'kind' }, label));
    mark.dataset.kind = String(kinds.indexOf(label) % 6);
    marked.append(text.slice(at, start), mark);
    at = end;
  }
  marked.append(text.slice(at));
  return marked;
}

function cardOf(model, answer, answers, text) {
  const card = make('section', { className: 'card' }, make('h2', {}, model.name));
  card.setAttribute('aria-label', model.name);
  if (answer.value !== undefined) {
    const digits = (value) => String(Number(value.toPrecision(4)));
    const about = answer.low === null ? '' : ' (' + digits(answer.low) + ' to ' + digits(answer.high) + ')';
    card.append(make('p', { className: 'number' }, make('strong', {}, digits(answer.value)), about));
    return card;
  }
  if (answer.labels) card.append(make('p', { className: 'told' }, answer.labels.length > 0 ? answer.labels.map((one) => one.label).join(', ') : 'none of the labels'));
  if (answer.entities) {
    card.append(markedText(text, answer.entities));
    if (answer.entities.length === 0) card.append(make('p', { className: 'hint' }, 'Nothing found.'));
    return card;
  }
  const said = saidOf(answer);
  if (said) card.append(make('p', { className: 'hint' }, said));
  const places = answer.masks ? answer.masks.map((_, i) => i) : [undefined];
  for (const place of places) {
    if (places.length > 1) card.append(make('h3', {}, maskToken() + ' ' + (place + 1) + ' of ' + places.length));
    const table = make('table', {}, make('tbody', {}, ...rowsOf(answer, answers, place)));
    table.setAttribute('aria-label', tables[task()]);
    card.append(table);
  }
  return card;
}

function cosinesOf(vectors, lines) {
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const [first, ...others] = vectors;
  const cosine = (other) => dot(first, other) / (Math.sqrt(dot(first, first) * dot(other, other)) || 1);
  const scores = others.map((other, i) => ({ label: lines[i + 1], score: cosine(other) }));
  return { scores: scores.sort((a, b) => b.score - a.score) };
}

async function answerOf(name, text) {
  if (task() !== 'embed') {
    const isPredict = task() === 'predict';
    const [first, second = ''] = linesOf(text);
    const isPair = isPredict && models.find((model) => model.name === name).pairs;
    const got = await read('/' + task(), { model: name, texts: [isPair ? { text: first, pair: second } : text], topK: 200, ...(isPredict && { offsets: 'utf-16' }) });
    return (got.predictions ?? got.results)[0];
  }
  const lines = linesOf(text);
  const { embeddings } = await read('/embed', { model: name, texts: lines });
  return cosinesOf(embeddings, lines);
}

const linesOf = (text) => text.split('\\n').filter((line) => line.trim() !== '');

async function answer(event) {
  event.preventDefault();
  const text = find('text').value;
  if (text.trim() === '') return say('Type a sentence first.', true);
  if (task() === 'embed' && linesOf(text).length < 2) return say('Type at least two texts, one a line.', true);
  if (ofPairs() && linesOf(text).length !== 2) return say('Type two texts, one a line.', true);
  const number = ++asked;
  find('ask').disabled = true;
  say('Asking…');
  try {
    const started = performance.now();
    const chosen = able();
    const answers = await Promise.all(chosen.map(({ name }) => answerOf(name, text)));
    if (number !== asked) return;
    const compared = answers.map((one) => (task() === 'predict' && one.scores?.length !== answers[0].scores?.length ? [one] : answers));
    find('results').replaceChildren(...chosen.map((model, i) => cardOf(model, answers[i], compared[i], text)));
    const { top, bottom } = find('results').getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) find('results').scrollIntoView({ block: bottom - top > innerHeight ? 'start' : 'nearest' });
    say('Answered in ' + Math.round(performance.now() - started) + ' ms' + (chosen.length > 1 ? '; changes are against ' + chosen[0].name + ', in ' + (task() === 'embed' ? 'hundredths.' : 'points (new: not among its first 200).') : '.'));
  } catch (error) {
    find('results').replaceChildren();
    say(error.message, true);
  } finally {
    find('ask').disabled = false;
  }
}

find('form').addEventListener('submit', answer);
find('insert').addEventListener('click', () => {
  const field = find('text');
  field.setRangeText(maskToken(), field.selectionStart, field.selectionEnd, 'end');
  field.focus();
});
find('text').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && task() !== 'embed' && !ofPairs()) {
    event.preventDefault();
    find('form').requestSubmit();
  }
});
read('/health').then((health) => {
  models = health.models;
  const tasks = Object.keys(names).filter((name) => models.some((model) => model.tasks.includes(name)));
  tasks.forEach((name, i) => {
    const radio = make('input', { type: 'radio', name: 'task', value: name, checked: i === 0 });
    radio.addEventListener('change', choose);
    find('tasks').append(make('label', {}, radio, names[name]));
  });
  find('tasks').hidden = tasks.length < 2;
  const wanted = new URLSearchParams(location.search);
  const radio = [...document.querySelectorAll('input[name=task]')].find((one) => one.value === wanted.get('task'));
  if (radio) radio.checked = true;
  find('lead').textContent = (models.length > 1 ? 'Models side by side: ' : 'Model: ') + models.map((model) => model.name).join(', ');
  choose();
  const text = wanted.get('text');
  if (text !== null) {
    find('text').value = text;
    find('form').requestSubmit();
  }
}, (error) => say(error.message, true));
`;

/** The page at `/`: one file that asks for nothing from elsewhere. `?task=` and `?text=` fill it in. */
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
