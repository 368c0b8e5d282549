/** How the page looks: wide and narrow, light and dark, printed. */
export const style = `
:root {
  color-scheme: light dark;
  --ink: #1d2433; --soft: #5b6475; --paper: #f6f7f9; --card: #ffffff; --line: #dfe3ea; --field: #8a93a5;
  --accent: #2f5bd8; --track: #e8ecf6; --bad: #b3261e; --up: #1a7044; --down: #a33a1d;
  --for: 47 91 216; --against: 196 88 22;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8ebf2; --soft: #a4adbe; --paper: #12151c; --card: #1b2029; --line: #303848; --field: #7b869b;
    --accent: #8aa8ff; --track: #262d3b; --bad: #ff8a80; --up: #6fd09b; --down: #f0a184;
    --for: 138 168 255; --against: 240 161 132;
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
input[type=radio], input[type=checkbox] { accent-color: var(--accent); margin: 0 .35rem 0 0; }
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
table:not(.unlabeled) tr:first-child :is(th, .percent) { font-weight: 700; }
td { padding: .25rem 0; }
.percent { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-left: .6rem; width: 4.4rem; }
.change { text-align: right; font-size: .8rem; white-space: nowrap; padding-left: .4rem; width: 3.2rem; font-variant-numeric: tabular-nums; }
.rose { color: var(--up); } .fell { color: var(--down); }

.number strong { font-size: 1.6rem; }
.told { font-weight: 600; margin-bottom: .4rem; }
details { font-size: .85rem; margin-top: .6rem; }
summary { color: var(--soft); cursor: pointer; }
.track { background: var(--track); border-radius: 1rem; height: .55rem; overflow: hidden; }
mark { background: var(--track); color: inherit; border-radius: .35rem; padding: .1rem .3rem; border-bottom: 2px solid var(--accent); }
mark[data-kind='1'] { border-color: var(--up); } mark[data-kind='2'] { border-color: var(--bad); } mark[data-kind='3'] { border-color: var(--soft); }
mark[data-kind='4'] { border-style: dashed; } mark[data-kind='5'] { border-style: dotted; }
.kind { color: var(--soft); font-size: .7rem; font-weight: 600; margin-left: .35rem; }
/* A word's sign is told by colour and kind of line, its strength by shade and width of the line. */
mark[data-sign] { --sign: var(--for); color: var(--ink); padding: 0 .1rem; border-radius: .2rem; border-bottom: 1px solid rgb(var(--sign)); background: rgb(var(--sign) / .1); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
mark[data-sign=against] { --sign: var(--against); border-bottom-style: dashed; }
mark[data-strength='2'] { border-bottom-width: 2px; background: rgb(var(--sign) / .2); }
mark[data-strength='3'] { border-bottom-width: 3px; background: rgb(var(--sign) / .3); }
mark[data-strength='4'] { border-bottom-width: 4px; background: rgb(var(--sign) / .42); }
.bar[data-sign=against] { background: repeating-linear-gradient(90deg, rgb(var(--against)) 0 .3rem, transparent .3rem .45rem); }
.why .marked { line-height: 1.8; margin-bottom: .3rem; }
.why table { margin-top: .4rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; user-select: none; }
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
@media print {
  fieldset, form .row, #whyRow, footer { display: none; }
  main { display: block; }
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
