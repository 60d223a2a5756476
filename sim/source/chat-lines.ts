/** What virtual participants say. */
import { randomBetween, shuffle, type Random } from '../../core/random.ts';

/** Written for this simulator: greetings, praise, questions, complaints, mild insults and offers of spam; some name people and places, some are Chinese. */
const LINES = [
  'Hi everyone, good to see you all here',
  'Good morning, is the audio working for you?',
  'Hello from Lisbon, first time in this room',
  'Hey, welcome back, we were just about to start',
  'This place looks amazing, I love the lighting',
  'Great job on the new model, it feels so smooth',
  'Thank you so much for your help yesterday',
  'That was really funny, you made my day',
  'I am so happy that we finally got this to work',
  'Wow, I did not expect that at all',
  'What time does the next session start?',
  'Can you tell me how to change my avatar?',
  'Could somebody move that table a bit to the left?',
  'Where did you put the red marker?',
  'How do I mute the music in here?',
  'Please set a reminder for three o\'clock',
  'Let us go through the plan once more',
  'I think the second option is the better one',
  'Give me a minute, I have to adjust my headset',
  'The meeting moved to Thursday, by the way',
  'I cannot hear anything, this is so annoying',
  'The picture keeps freezing and I am getting tired of it',
  'My controller lost tracking again, what a mess',
  'This is the third time today that it crashed',
  'I am a bit worried that we will not finish in time',
  'Sorry, that was my mistake',
  'I feel sad that this is the last day of the workshop',
  'That hurt my eyes, please turn the brightness down',
  'You are such an idiot, watch where you are going',
  'Shut up, nobody wants to hear your stupid opinion',
  'Congratulations! You won a free phone, call now to claim your prize',
  'Earn 500 dollars a day from home, text WIN to 80082 now',
  'Maria Lopez flies to New York with the team from Berlin',
  'Has anybody seen James since the tour of Amsterdam?',
  '今天的会议很顺利，谢谢大家的帮助',
  '你们这些人真是垃圾，滚出去',
  'See you tomorrow, thanks for the tour',
  'Bye, have a great evening',
] as const;

/** A line, and how long after the one before it. */
export interface ChatLine {
  readonly text: string;
  readonly afterMs: number;
}

/** Lines without end. */
export interface ChatSource {
  next(): ChatLine;
}

/** Every line once, in random order, then all of them again; one each 3 to 6 seconds. */
export function talk(random: Random): ChatSource {
  let waiting: string[] = [];
  return {
    next() {
      if (waiting.length === 0) waiting = shuffle(random, [...LINES]);
      return { text: waiting.pop() ?? LINES[0], afterMs: randomBetween(random, 3000, 6000) };
    },
  };
}
