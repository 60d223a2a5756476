/** Reads the escapes that Twitter's and some other texts have. */

const ESCAPES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** Twitter's own escapes; nobody types them in a chat. */
export function decodeEscapes(text: string): string {
  const named = text.replace(/&(?:amp|lt|gt|quot);/g, (entity) => ESCAPES[entity] ?? entity);
  return named.replace(/&#(\d{1,7});/g, (entity, digits: string) => {
    const point = Number(digits);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : entity;
  });
}
