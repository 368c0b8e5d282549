/**
 * The form in which two lines count as the same text: lower case, white space collapsed, every number "0". Templated
 * lines that differ only in an order number or in spacing are one text.
 */
export function normalizedForm(text: string): string {
  return text
    .toLowerCase()
    .replace(/\p{Nd}+/gu, '0')
    .replace(/\s+/gu, ' ')
    .trim();
}

/**
 * The form in which two texts repeat each other outright: lower case, white space collapsed, Unicode composed. Numbers
 * count, since they may be what tells classes apart.
 */
export function repeatedForm(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim();
}
