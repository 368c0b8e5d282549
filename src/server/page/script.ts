import { whyScript } from './why.ts';

/** What the page does: asks the server, and shows what it says. Texts of others become text nodes alone. */
export const script = `${whyScript}
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
let wanted = new AbortController();

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
const explained = () => (task() === 'predict' ? able().filter(({ explains }) => explains) : []);
const maskToken = () => able()[0]?.maskToken ?? '[MASK]';

async function read(path, body, signal) {
  const options = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal };
  const response = await fetch(path, options).catch((error) => {
    if (signal?.aborted) throw error;
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
  find('whyRow').hidden = explained().length === 0;
  wanted.abort();
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
  const reasons = { strange: 'Left unlabeled: the text is unlike those that it knows.', unsure: 'Left unlabeled: it is unsure.' };
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
  if (answer.label === null) card.append(make('p', { className: 'told' }, 'No label'));
  const said = saidOf(answer);
  if (said) card.append(make('p', { className: 'hint' }, said));
  const places = answer.masks ? answer.masks.map((_, i) => i) : [undefined];
  for (const place of places) {
    if (places.length > 1) card.append(make('h3', {}, maskToken() + ' ' + (place + 1) + ' of ' + places.length));
    const table = make('table', { className: answer.label === null ? 'unlabeled' : '' }, make('tbody', {}, ...rowsOf(answer, answers, place)));
    table.setAttribute('aria-label', tables[task()]);
    card.append(table);
  }
  if (answer.promised?.length > 0) {
    const lines = answer.promised.map((line) => make('p', { className: 'hint' }, line));
    card.append(make('details', {}, make('summary', {}, 'What is known of such answers'), ...lines));
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

// The text that is asked for, or of a pair both, with what the model calls them.
function partsOf({ pairs }, text) {
  const [first, second = ''] = linesOf(text);
  return task() === 'predict' && pairs ? [{ name: pairs.text, text: first, of: 'text' }, { name: pairs.pair, text: second, of: 'pair' }] : [{ text }];
}

function questionOf(model, text) {
  const [first, second] = partsOf(model, text);
  return { model: model.name, texts: [second ? { text: first.text, pair: second.text } : first.text], ...(task() === 'predict' && { offsets: 'utf-16' }) };
}

async function explain(model, card, answer, text) {
  const { signal } = wanted;
  try {
    const { predictions } = await read('/predict', { ...questionOf(model, text), explain: true }, signal);
    card.append(whyOf(predictions[0].explanation, answer, partsOf(model, text)));
  } catch (error) {
    if (!signal.aborted) card.append(make('p', { className: 'hint' }, 'Not explained: ' + error.message));
  }
}

async function answerOf(model, text) {
  const { name } = model;
  if (task() !== 'embed') {
    const got = await read('/' + task(), { ...questionOf(model, text), topK: 200 });
    return { ...(got.predictions ?? got.results)[0], promised: got.promised ?? [] };
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
  wanted.abort();
  wanted = new AbortController();
  find('ask').disabled = true;
  say('Asking…');
  try {
    const started = performance.now();
    const chosen = able();
    const answers = await Promise.all(chosen.map((model) => answerOf(model, text)));
    if (number !== asked) return;
    const compared = answers.map((one) => (task() === 'predict' && one.scores?.length !== answers[0].scores?.length ? [one] : answers));
    const cards = chosen.map((model, i) => cardOf(model, answers[i], compared[i], text));
    find('results').replaceChildren(...cards);
    const { top, bottom } = find('results').getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) find('results').scrollIntoView({ block: bottom - top > innerHeight ? 'start' : 'nearest' });
    const since = () => Math.round(performance.now() - started) + ' ms';
    const told = 'Answered in ' + since() + (chosen.length > 1 ? '; changes are against ' + chosen[0].name + ', in ' + (task() === 'embed' ? 'hundredths.' : 'points (new: not among its first 200).') : '.');
    say(told);
    if (!find('why').checked || explained().length === 0) return;
    // Whoever asks anew meanwhile is not kept waiting.
    find('ask').disabled = false;
    say(told + ' Looking for the words…');
    await Promise.all(explained().map((model) => explain(model, cards[chosen.indexOf(model)], answers[chosen.indexOf(model)], text)));
    if (number === asked) say(told + ' Explained after ' + since() + '.');
  } catch (error) {
    find('results').replaceChildren();
    say(error.message, true);
  } finally {
    if (number === asked) find('ask').disabled = false;
  }
}

find('why').addEventListener('change', () => {
  if (find('results').childElementCount > 0) find('form').requestSubmit();
});
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
  const fillIn = new URLSearchParams(location.search);
  const radio = [...document.querySelectorAll('input[name=task]')].find((one) => one.value === fillIn.get('task'));
  if (radio) radio.checked = true;
  find('lead').textContent = (models.length > 1 ? 'Models side by side: ' : 'Model: ') + models.map((model) => model.name).join(', ');
  find('why').checked = fillIn.has('why');
  choose();
  const text = fillIn.get('text');
  if (text !== null) {
    find('text').value = text;
    find('form').requestSubmit();
  }
}, (error) => say(error.message, true));
`;
