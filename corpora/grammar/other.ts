import type { Intent } from './intent.ts';

/** Matters that nobody labeled; they occur in the unlabeled logs only. */
export const other: readonly Intent[] = [
  {
    plain: [
      'my (discount|promo|voucher) code (does not work|is not accepted|has expired)',
      'can I (use|combine) two (codes|vouchers) (on one order|)?',
      'I forgot to (enter|use) my (code|voucher) (on {order}|)',
    ],
    reworded: [],
    insider: [
      'the WELCOME1_ code says basket not eligible',
      'loyalty points from {ago} (have not posted|are still pending)',
      'does the price match (cover|include) the {product}?',
    ],
    details: ['the newsletter said _0 percent off the {product}', 'I have _00 loyalty points and a gift card'],
    replies: ['I have added _00 loyalty points to make up for it.', 'The code is for first orders over {amount}.'],
  },
  {
    plain: [
      '(is|when is) the {product} (in stock|available)( again|)?',
      'does the {product} come in (blue|black|green|a larger size)?',
      'how (long|wide|heavy|loud) is the {product}?',
    ],
    reworded: [],
    insider: [
      'is the {product} rated for (outdoor use|230 volts|the dishwasher)?',
      'what is the lead time for the {product} to {city}?',
      'is the {product} (end of line|being replaced by a new model)?',
    ],
    details: ['I am looking for a present for {gift}', 'the product page does not say'],
    replies: ['The {product} will be back in stock on {date}.', 'Yes, it comes in black and in green.'],
  },
  {
    plain: [
      'I need an invoice (for {order}|with VAT|for my company)',
      'please send (me |)(the|an) invoice (for the {product}|again|)',
      'my company name is missing on the invoice',
    ],
    reworded: [],
    insider: [
      'our VAT ID is not on the PDF',
      'do you take purchase orders on net thirty terms?',
      'the pro forma and the final bill do not match our PO',
    ],
    details: ['our accountant needs it by {date}', 'it is for our office in {city}'],
    replies: ['The invoice with your VAT ID is attached.', 'Invoices are in your account under papers.'],
  },
  {
    plain: [
      'just wanted to say (thank you|thanks), {agent} was (great|so helpful|very kind)',
      'the {product} is (great|lovely|brilliant), (we use it every day|well done|five stars)',
      'everything (arrived|came) (early|well packed|as promised), (great|lovely) service',
    ],
    reworded: [],
    insider: ['I left five stars for the bench repair', 'the goodwill gesture was not needed but very kind'],
    details: ['I will leave a (good |nice |)review', 'you have (won|earned) a customer (for life|once more)'],
    replies: ['Thank you for the kind words, I will pass them on.', 'We are glad that you like the {product}.'],
  },
  {
    plain: [
      'I (want to complain|have a complaint) about (your service|the agent I spoke to|the hotline)',
      'this is the (second|third|fourth) time I (write|call) and nobody (helps|cares)',
      'your (hotline|service) (has got worse|is a joke|let me down)( again|)',
    ],
    reworded: [],
    insider: ['raise this as a formal complaint, please', 'who handles escalations on your side?'],
    details: ['the call ended {ago} without an answer', 'I will leave a (bad|fair) review'],
    replies: ['I have passed your complaint to my team lead.', 'An escalation gets an answer within two days.'],
  },
];
