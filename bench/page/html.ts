/** HTML whose texts are escaped unless they are HTML already. */

const HTML = Symbol('html');

export interface Html {
  readonly [HTML]: string;
}

type Part = Html | string | number | undefined | readonly Part[];

/** A template of HTML. Texts and numbers in it become text, in attributes too, as long as these are quoted. */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return unescaped(
    template.raw.map((fixed, at) => fixed + (at < parts.length ? textOf(parts[at]) : '')).join(''),
  );
}

/** For what was made as HTML elsewhere. */
export function unescaped(text: string): Html {
  return { [HTML]: text };
}

/** A text whose parts between backticks are code. */
export function withCode(text: string): Html {
  const parts = text.split('`');
  // A backtick without another one is itself.
  if (parts.length % 2 === 0) return html`${text}`;
  return html`${parts.map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

export function asText(markup: Html): string {
  return markup[HTML];
}

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return escape(part);
  if (typeof part === 'number') return String(part);
  return HTML in part ? part[HTML] : part.map((each) => textOf(each)).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
