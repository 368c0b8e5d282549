/** Text that is HTML already. There is one way to make it of other text, which escapes. */
export class Html {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** What a library drew. Nothing that people wrote may be in it unescaped. */
  static trusted(text: string): Html {
    return new Html(text);
  }

  toString(): string {
    return this.text;
  }
}

/** What stands in a template: text is escaped, lists are put one after the other, nothing stands for what is absent. */
export type Piece = Html | string | number | undefined | null | false | readonly Piece[];

/** HTML with pieces in it, each escaped unless it is HTML itself. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return Html.trusted(strings.reduce((text, part, i) => text + rendered(pieces[i - 1]) + part));
}

/** A name that may be broken where its words end: `card_not_working` has no spaces to break at. */
export function breakable(name: string): Html {
  return html`${name.split(/(?<=[_\-/.:])(?=\w)/).flatMap((word, i) => (i === 0 ? [word] : [Html.trusted('<wbr>'), word]))}`;
}

/** Text for people, as HTML shows it: markup is text, and what steers text (control characters, reversals) is visible. */
export function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (sign) =>
      /[\t\n]/.test(sign) ? ' ' : '\ufffd',
    )
    .replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function rendered(piece: Piece): string {
  if (piece === undefined || piece === null || piece === false) return '';
  if (piece instanceof Html) return piece.text;
  if (typeof piece === 'string') return escaped(piece);
  return typeof piece === 'number' ? String(piece) : piece.map(rendered).join('');
}
