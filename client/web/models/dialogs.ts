/** Questions and reports in front of the page. */
import { byId, create } from '../dom.ts';

export interface Field {
  readonly name: string;
  readonly label: string;
  /** `choice` gives the first unless another is chosen. */
  readonly kind: 'text' | 'choice' | 'file' | 'files';
  readonly choices?: readonly (readonly [value: string, label: string])[];
  readonly value?: string;
  readonly hint?: string;
  readonly required?: boolean;
}

export interface Answers {
  /** '' where nothing was given. */
  readonly text: (name: string) => string;
  readonly files: (name: string) => readonly File[];
}

export interface Question {
  readonly title: string;
  readonly explain?: string;
  readonly fields: readonly Field[];
  /** What the button says. */
  readonly act: string;
}

/** Undefined when whoever was asked thinks better of it. */
export function question({ title, explain, fields, act }: Question): Promise<Answers | undefined> {
  const dialog = byId('form', HTMLDialogElement);
  const form = dialog.querySelector('form') as HTMLFormElement;
  const inputs = new Map(fields.map((field) => [field.name, inputOf(field)]));
  const no = create('button', '', 'Cancel');
  no.type = 'button';
  no.onclick = () => dialog.close('');
  const yes = create('button', 'main', act);
  yes.value = 'yes';
  const rows = fields.map(({ name, label, hint }) => create('label', '', label, inputs.get(name) as HTMLElement, ...(hint === undefined ? [] : [create('small', '', hint)])));
  form.replaceChildren(create('h2', '', title), ...(explain === undefined ? [] : [create('p', '', explain)]), ...rows, create('div', 'acts', no, yes));
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue !== 'yes' ? undefined : {
      text: (name) => inputs.get(name)?.value ?? '',
      files: (name) => [...((inputs.get(name) as HTMLInputElement | undefined)?.files ?? [])],
    });
  });
}

function inputOf({ kind, choices = [], value, required }: Field): HTMLInputElement | HTMLSelectElement {
  if (kind === 'choice') {
    const select = create('select', '', ...choices.map(([own, label]) => {
      const option = create('option', '', label);
      option.value = own;
      return option;
    }));
    if (value !== undefined) select.value = value;
    return select;
  }
  const input = create('input', '');
  input.type = kind === 'text' ? 'text' : 'file';
  input.multiple = kind === 'files';
  input.required = required === true;
  if (kind === 'text') input.value = value ?? '';
  return input;
}

/** Shows a page that the service has made. It runs nothing: it stands in a sandbox. */
export function showPage(html: string): void {
  const dialog = byId('page', HTMLDialogElement);
  // A frame of its own each time: one whose text is replaced stays blank in Chromium once it was hidden.
  const frame = create('iframe', '');
  frame.title = 'Report';
  frame.setAttribute('sandbox', '');
  frame.srcdoc = html;
  dialog.querySelector('iframe')?.remove();
  dialog.append(frame);
  byId('close', HTMLButtonElement).onclick = () => dialog.close();
  dialog.showModal();
}
