/** What shows why a text has its label. */
export const whyScript = `
// The words of a text that do most to its label, each with its sign and how much it does beside the strongest.
function markedWords(text, words) {
  const marked = make('p', { className: 'marked' });
  let at = 0;
  for (const { start, end, weight, share } of words) {
    const strength = Math.ceil(4 * share);
    if (share < 0.1 || start < at) continue;
    const sign = weight > 0 ? 'for' : 'against';
    const told = make('span', { className: 'unseen' }, ' (' + sign + ', ' + strength + ' of 4)');
    const mark = make('mark', { title: sign + ', ' + signed(weight) }, text.slice(start, end), told);
    mark.dataset.sign = sign;
    mark.dataset.strength = String(strength);
    marked.append(text.slice(at, start), mark);
    at = end;
  }
  marked.append(text.slice(at));
  return marked;
}

const signed = (weight) => (weight < 0 ? '\u2212' : '+') + Math.abs(weight).toFixed(2);

const methods = {
  'integrated gradients': 'Integrated gradients: each word\u2019s share of the label\u2019s logit',
  occlusion: 'Occlusion: what the label\u2019s log-probability loses without the word',
};

function whyOf({ label, method, words, passes }, { label: given }, parts) {
  const most = Math.max(...words.map(({ weight }) => Math.abs(weight)), 1e-9);
  const shares = words.map((word) => ({ ...word, share: Math.abs(word.weight) / most }));
  const why = make('div', { className: 'why' }, make('h3', {}, given === null ? 'Why it would be ' + label : 'Why ' + label));
  for (const { name, text, of } of parts) {
    if (name) why.append(make('p', { className: 'hint' }, name));
    why.append(markedWords(text, shares.filter((word) => word.of === of)));
  }
  const legend = make('p', { className: 'hint' }, ...['for', 'against'].flatMap((sign) => {
    const mark = make('mark', {}, sign === 'for' ? 'speaks for it' : 'speaks against it');
    Object.assign(mark.dataset, { sign, strength: '2' });
    return [mark, ' '];
  }), 'The stronger the shade and the thicker the line, the more it does.');
  const top = shares.filter(({ share }) => share >= 0.1).sort((a, b) => b.share - a.share).slice(0, 5);
  const rows = top.map(({ text, weight, share }) => {
    const bar = make('div', { className: 'bar' });
    bar.style.width = (100 * share).toFixed(1) + '%';
    bar.dataset.sign = weight > 0 ? 'for' : 'against';
    return make('tr', {}, make('th', { scope: 'row' }, text), make('td', { ariaHidden: 'true' }, make('div', { className: 'track' }, bar)), make('td', { className: 'percent' }, signed(weight)));
  });
  const table = make('table', {}, make('tbody', {}, ...rows));
  table.setAttribute('aria-label', 'Words that do most for ' + label + ' or against it');
  if (top.length === 0) legend.replaceChildren('No word of the text does anything to it.');
  why.append(legend, ...(top.length > 0 ? [table] : []), make('p', { className: 'hint' }, methods[method] + ' (' + passes + ' passes).'));
  return why;
}
`;
