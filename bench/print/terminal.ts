import { styleText } from 'node:util';

/** What is printed on. */
export interface Terminal {
  /** In columns; fewer than 60 are taken for 60. */
  readonly width: number;
  /** Colours by ANSI sequences. */
  readonly colour: boolean;
}

const NARROWEST = 60;

export function widthOf({ width }: Terminal): number {
  return Math.max(width, NARROWEST);
}

/** Colours a text, or does not. */
export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

export function painter({ colour }: Terminal): Paint {
  return (style, text) => (colour && text !== '' ? styleText(style, text, { validateStream: false }) : text);
}
