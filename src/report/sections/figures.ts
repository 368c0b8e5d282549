import { wilsonInterval } from '../../evaluation/intervals.ts';
import { figure, quantity, rowsTable, withInterval } from '../format.ts';
import { html } from '../html.ts';
import type { LanguageModel, Row } from '../run.ts';
import type { Section } from './section.ts';

const caption = 'Figures of the held-out texts';

export const figuresSection: Section = {
  title: 'How good the answers are',
  lead: 'On the held-out texts, which the training did not see.',
  render({ target, classifier, languageModel }) {
    if (classifier && classifier.count > 0) {
      const { accuracy, macroF1, loss, count } = classifier;
      const { low, high } = wilsonInterval(Math.round(accuracy * count), count);
      return rowsTable(caption, [
        { name: 'right (95 % interval)', value: withInterval(accuracy, low, high) },
        { name: 'mean F1 of the labels', value: macroF1.toFixed(3) },
        { name: 'mean cross-entropy, nats', value: loss.toFixed(3) },
        { name: 'held-out texts', value: quantity(count) },
      ]);
    }
    if (languageModel) return rowsTable(caption, ofLanguage(languageModel));
    if (!target && !classifier) return undefined;
    if (!target || target.count === 0) return 'no labeled texts were held out';
    return html`<p>It answers with ${target.kind}.</p>${rowsTable(caption, target.figures)}`;
  },
};

function ofLanguage({ lossBefore, lossAfter, perplexityBefore, perplexityAfter }: LanguageModel): Row[] {
  const shown = (value: number | null) => (value === null ? 'not measured' : figure(value));
  return [
    { name: 'perplexity before', value: shown(perplexityBefore) },
    { name: 'perplexity after', value: shown(perplexityAfter) },
    { name: 'mean loss before, nats', value: shown(lossBefore) },
    { name: 'mean loss after, nats', value: shown(lossAfter) },
  ];
}
