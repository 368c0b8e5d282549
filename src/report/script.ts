/** What a report does where scripts run: tables and pairs sort. Without it, all there is to read is there. */
export const script = `
(() => {
  const valueOf = (cell) => {
    const number = cell.dataset.sort === undefined ? NaN : Number(cell.dataset.sort);
    return Number.isNaN(number) ? cell.textContent.trim() : number;
  };
  const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
  for (const table of document.querySelectorAll('table.sorts')) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, i) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const isDown = head.getAttribute('aria-sort') === 'ascending';
        for (const other of heads) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => (isDown ? -1 : 1) * compare(valueOf(a.cells[i]), valueOf(b.cells[i])));
        table.tBodies[0].append(...rows);
      });
    });
  }
  const orders = {
    'most texts': (a, b) => b.dataset.count - a.dataset.count,
    'largest share': (a, b) => b.dataset.share - a.dataset.share,
    'right label': (a, b) => a.dataset.own.localeCompare(b.dataset.own),
    'answer': (a, b) => a.dataset.taken.localeCompare(b.dataset.taken),
  };
  for (const list of document.querySelectorAll('[data-sorts]')) {
    const label = document.createElement('label');
    const choice = document.createElement('select');
    for (const name of Object.keys(orders)) choice.append(new Option(name));
    label.append('Sort by ', choice);
    label.className = 'order';
    list.before(label);
    const parts = [...list.querySelectorAll('.pairs')];
    const sizes = parts.map((part) => part.children.length);
    choice.addEventListener('change', () => {
      const pairs = parts.flatMap((part) => [...part.children]).sort(orders[choice.value]);
      parts.forEach((part, i) => part.append(...pairs.splice(0, sizes[i])));
    });
  }
})();
`;
