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
