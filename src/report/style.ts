/** One style for light and dark, phones and paper. */
export const style = `
:root {
  color-scheme: light dark;
  --ink: #1d2433; --soft: #5b6475; --paper: #f6f7f9; --card: #ffffff; --line: #dfe3ea;
  --accent: #2f5bd8; --good: #dff3e6; --bad-1: #fdece7; --bad-2: #fad9cf; --bad-3: #f6c0b0; --bad-4: #f2a893; --bad-5: #ee9077;
  --good-1: #eaf7ee; --good-2: #d6efdf; --good-3: #c1e7ce; --good-4: #abdfbd; --good-5: #95d6ab;
  --series-0: #2f5bd8; --series-1: #c2410c; --series-2: #0f766e; --series-3: #7c3aed; --series-4: #a16207; --series-5: #be185d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8ebf2; --soft: #a4adbe; --paper: #12151c; --card: #1b2029; --line: #303848;
    --accent: #8aa8ff; --bad-1: #33231f; --bad-2: #452b25; --bad-3: #58332b; --bad-4: #6b3b31; --bad-5: #7d4337;
    --good-1: #1c2b23; --good-2: #1f382b; --good-3: #234633; --good-4: #26533b; --good-5: #2a6043;
    --series-0: #8aa8ff; --series-1: #f59f6c; --series-2: #5eccc0; --series-3: #bb9bff; --series-4: #e3bf5a; --series-5: #f28ab8;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1.25rem 2rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .6rem; font-size: 1.5rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 .2rem; font-size: 1.15rem; overflow-wrap: anywhere; }
h3 { margin: .25rem 0 .5rem; font-size: .95rem; color: var(--soft); overflow-wrap: anywhere; }
p { margin: 0 0 .5rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .2rem; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.side { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.side > * { min-width: 0; }
.verdict { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: .75rem; padding: 1rem 1.25rem; }
.verdict .first { font-size: 1.2rem; font-weight: 600; line-height: 1.35; }
.when { color: var(--soft); font-size: .85rem; margin: 0; }
nav ul { list-style: none; margin: 1rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .35rem .9rem; font-size: .9rem; }
nav a { display: inline-block; padding: .15rem 0; }
main { columns: 2 30rem; column-gap: 1rem; } .several main { columns: auto; } body.several { max-width: 96rem; } .several .side { grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.1rem 1.25rem; min-width: 0; margin-bottom: 1rem; break-inside: avoid; }
.card.quiet, .hint, .lead, footer { color: var(--soft); font-size: .9rem; }
.quiet { background: none; }
figure { margin: 0 0 .75rem; }
figure svg { display: block; width: 100%; max-width: 34rem; height: auto; font-family: inherit; }
figure svg text { font-size: 11px; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .25rem; }
.plain { margin: .5rem 0 0; padding-left: 1.1rem; }
.scrolls { overflow: auto; max-height: 27rem; } .scrolls thead th { position: sticky; top: 0; background: var(--card); }
table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
thead th { font-size: .8rem; color: var(--soft); vertical-align: bottom; font-weight: 600; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead .number { white-space: normal; }
th button { all: unset; cursor: pointer; } th button:focus-visible { outline: 3px solid var(--accent); }
th button::after { content: ' ↕'; opacity: .5; } [aria-sort=ascending] button::after { content: ' ↑'; opacity: 1; } [aria-sort=descending] button::after { content: ' ↓'; opacity: 1; }
.rows th { width: 40%; } .rows td { overflow-wrap: anywhere; }
.scrolls:has(.matrix) { max-height: none; } .sorts tbody th { overflow-wrap: anywhere; min-width: 6.5rem; }
.matrix { width: auto; font-size: .8rem; margin-bottom: .75rem; } .matrix th, .matrix td { padding: .2rem .4rem; } .matrix thead td { vertical-align: bottom; color: var(--soft); }
.matrix thead th { padding: .2rem 0; text-align: left; } .matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; max-height: 11rem; overflow: hidden; text-overflow: ellipsis; }
.matrix .cell { text-align: right; font-variant-numeric: tabular-nums; border: 1px solid var(--card); min-width: 2rem; }
.wrong.shade-1 { background: var(--bad-1); } .wrong.shade-2 { background: var(--bad-2); } .wrong.shade-3 { background: var(--bad-3); } .wrong.shade-4 { background: var(--bad-4); } .wrong.shade-5 { background: var(--bad-5); }
.right.shade-1 { background: var(--good-1); } .right.shade-2 { background: var(--good-2); } .right.shade-3 { background: var(--good-3); } .right.shade-4 { background: var(--good-4); } .right.shade-5 { background: var(--good-5); }
.order { display: block; font-size: .85rem; color: var(--soft); margin-bottom: .4rem; }
select { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--soft); border-radius: .35rem; padding: .1rem .3rem; }
.pair { border-bottom: 1px solid var(--line); padding: .35rem 0; font-size: .9rem; }
summary { cursor: pointer; padding: .1rem 0; } details > .scrolls, .more > .pairs { margin-top: .4rem; } .more > summary { padding: .5rem 0; color: var(--accent); font-size: .9rem; }
.pair summary { display: flex; flex-wrap: wrap; gap: .1rem .75rem; list-style: none; }
.pair summary::-webkit-details-marker { display: none; }
.pair summary::before { content: '▸'; color: var(--soft); width: .8rem; } .pair[open] summary::before { content: '▾'; }
.own, .taken { font-weight: 500; overflow-wrap: anywhere; }
.count { margin-left: auto; font-variant-numeric: tabular-nums; } .share { color: var(--soft); min-width: 3.8rem; text-align: right; font-variant-numeric: tabular-nums; }
.share.wide { min-width: 8rem; } .texts { margin: .3rem 0 .5rem; padding-left: 1.6rem; } .texts li { margin-bottom: .3rem; } .text { overflow-wrap: anywhere; } .second { display: block; } .flagged { padding-left: 0; list-style: none; margin: 0; } .flagged li { border-bottom: 1px solid var(--line); padding: .4rem 0; } .flagged .what { display: block; font-size: .85rem; color: var(--soft); overflow-wrap: anywhere; } .flagged b { font-weight: 600; color: var(--ink); } .kind { margin: .4rem 0 0; font-size: .85rem; color: var(--soft); }
mark { color: var(--ink); background: none; border-radius: .2rem; padding: 0 .15rem; } mark.both { background: var(--good-3); } mark.missed { border-bottom: 2px solid var(--accent); } mark.strange { background: var(--bad-2); } .scores { color: var(--soft); font-size: .85rem; display: block; }
footer { margin-top: 1.25rem; }
@media (max-width: 40rem) {
  body { padding: .8rem .75rem 1.5rem; font-size: 15px; }
  h1 { font-size: 1.25rem; } .verdict { padding: .8rem .9rem; } .verdict .first { font-size: 1.05rem; }
  .card { padding: .8rem .9rem; } .share { min-width: 0; } th, td { padding-right: .4rem; } table { font-size: .82rem; } .sorts tbody th { min-width: 5.2rem; } th button::after { content: ''; }
  nav a { padding: .3rem 0; }
}
@page { margin: 14mm; }
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff; --card: #fff; --line: #bbb; --accent: #2f5bd8; --series-0: #2f5bd8; --series-1: #c2410c; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .order, .skip { display: none; }
  main { columns: auto; } .card { break-inside: auto; margin: 0; border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .6rem 0; }
  figure, tr, .verdict, .pair, .flagged li { break-inside: avoid; } h2, h3, .lead { break-after: avoid; }
  .side { display: block; } .verdict { margin-bottom: .5rem; } th, td { padding-top: .15rem; padding-bottom: .15rem; }
  .scrolls { overflow: visible; max-height: none; } th button::after { content: ''; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
