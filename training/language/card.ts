/** Writes the model card: what the model is for, what it was made of, how good it is and where it fails. */
import type { ClassScore } from '../evaluate/classification.ts';
import { DATA_SOURCES } from './provenance.ts';
import type { TrainedLanguageModel } from './run.ts';

const METRICS: Readonly<Record<string, string>> = {
  intentAccuracy: 'intent: accuracy on in-scope texts, best intent always taken',
  intentAcceptedAccuracy: 'intent: in-scope texts that get the right intent and pass the threshold',
  oosRecall: 'intent: out-of-scope texts that get no intent',
  intentCalibrationError: 'intent: expected calibration error (lower is better)',
  emotionMacroF1: 'emotion: macro F1 of 28 classes',
  emotionMicroF1: 'emotion: micro F1',
  sentimentAccuracy: 'sentiment: accuracy',
  sentimentMacroF1: 'sentiment: macro F1',
  moderationAccuracy: 'moderation: accuracy',
  moderationMacroF1: 'moderation: macro F1',
  hateF1: 'moderation: F1 of hate',
  spamF1: 'spam: F1 of spam',
  spamAccuracy: 'spam: accuracy',
};

/** Markdown. @param command - how to make the model again. */
export function languageCard(model: TrainedLanguageModel, command: string): string {
  const { shipped, unrounded, linear, majority } = model.figures;
  const { intent, emotion, moderation, spam } = model.testSamples;
  const rows = Object.entries(METRICS).map(([metric, meaning]) =>
    [meaning, ...[shipped, unrounded, linear, majority].map(({ metrics }) => (metrics[metric] ?? 0).toFixed(3))]);
  return [
    '# avatar-language, version 1',
    INTRODUCTION,
    '## Figures',
    `On texts that training never saw: ${intent} requests, ${emotion} comments, ${moderation} tweets, ${spam} text messages. ` +
      'Every threshold and temperature was chosen on the validation parts. Features, class weights and dropout ' +
      'were settled over some earlier runs whose test figures were seen, so the figures may be slightly high. ' +
      '"Before int8" is the same network with float weights; ' +
      '"linear" is a linear model of the same features for each head alone; "majority" gives each class its share. ' +
      'The two baselines were trained and tuned in the same run, on each head\'s own data only. As float32 the five linear ' +
      'tables take 49 MB; what ships takes 4.3 MB.',
    table(['figure', 'shipped', 'before int8', 'linear', 'majority'], rows),
    `Made by:\n\n\`\`\`\n${command}\n\`\`\``,
    `It ended with the weights of epoch ${model.epochs}.`,
    '### Moderation by class',
    'See confusion.svg for what is taken for what.',
    classTable(shipped.moderation.classes),
    '### Spam by class',
    classTable(shipped.spam.classes),
    '### Sentiment by class',
    classTable(shipped.sentiment.classes),
    '### Emotion by class',
    classTable(shipped.emotions),
    '### Intents with the lowest F1',
    classTable([...shipped.intent.classes].sort((a, b) => a.f1 - b.f1).slice(0, 15)),
    '## Data',
    ...DATA_SOURCES.map(({ name, origin, licence, credit, use }) => `**${name}** (${licence}). ${credit} ${use} From ${origin}.`),
    COUNTER_EXAMPLES,
    limits(shipped.moderation.classes[0]),
    '',
  ].join('\n\n');
}

const INTRODUCTION = `What a chat line in a shared session feels (28 emotions and their sentiment), what it asks of an assistant (150 intents or
none), and whether it is hateful, offensive or spam. A message becomes at most 512 hashed features (words, pairs of words,
3 to 5 characters within words); their rows in a 65,536 x 64 int8 table are summed, and one hidden layer of 128 units
feeds five heads. English only. A score is a hint for avatars, filters and people, **not a ground for automatic punishment**:
do not mute, ban or report anybody on it alone.`;

const COUNTER_EXAMPLES = `Besides, assistant requests of CLINC150's train part were shown to the moderation and spam heads as clean, and comments, tweets and
text messages of the train parts to the intent head as out-of-scope, half of them in the other's typing style. These labels are
ours; some will be wrong.`;

function limits(hate: ClassScore | undefined): string {
  const missed = Math.round(100 * (1 - (hate?.recall ?? 0)));
  const wrong = Math.round(100 * (1 - (hate?.precision ?? 0)));
  return `## Known biases and limits

- **Dialect.** The tweets were found with a lexicon of slurs and labelled by crowd workers without context. Models trained on them
  call African American English (AAVE) offensive or hateful far more often than other English with the same meaning (Davidson,
  Bhattacharya and Weber 2019; Sap et al. 2019), and nothing here corrects for it. Expect false positives on reclaimed words, on AAVE grammar
  and on talk about identity, and give people a way to appeal.
- **Identity.** In a handful of hand-written probes, plain sentences that name a religion, an origin or a sexual orientation got
  hate scores up to 0.45, and plain AAVE sentences offensive scores up to 0.6, where others get below 0.1. Not measured further.
- Hate is the weakest class: ${missed} % of the hateful test tweets get another label, and ${wrong} % of what is called hate is not.
  Words weigh more than meaning: mild insults ("you are an idiot") and threats without a slur ("I will find you and hurt you")
  pass; friendly swearing ("that was fucking awesome") and quotations of hateful speech are flagged.
- Emotions are how raters in India read US-centred Reddit comments, not what a speaker feels. Rare emotions (grief, pride, relief,
  nervousness) have few test samples, so their figures are rough.
- Spam is what British and Singaporean telephones received before 2012; today's scams differ ("add me on telegram to earn
  $500 per day" passes). The test part has few spam messages, so its F1 may be a few hundredths off.
- Intents are requests to a US voice assistant. A greeting, thanks or a question is useful in a session; a bank balance is not.
- Words unseen in training are known by their character n-grams only. Look-alike digits, stretched and spelled-out words are read;
  letters of other alphabets that look Latin are not.
- The test texts come from the same sources as the training texts. On chat in a session the figures will be lower.`;
}

function classTable(scores: readonly ClassScore[]): string {
  const rows = scores.map(({ label, precision, recall, f1, support }) =>
    [label, precision.toFixed(3), recall.toFixed(3), f1.toFixed(3), String(support)]);
  return table(['class', 'precision', 'recall', 'F1', 'samples'], rows);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
