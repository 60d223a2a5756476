/** Puts the watch over the models together with those who hear of what it finds: the log, the receiver of alerts, admins and metrics. */
import type { Clock } from '../core/clock.ts';
import { Webhook, type WebhookFigures } from '../core/webhook.ts';
import type { Config } from './config.ts';
import type { WatchedVersion } from './watch-flow.ts';
import { AlertBoard, type Alert } from './watch/alert-board.ts';
import { WatchKeeper } from './watch-keeper.ts';
import { ModelWatch, type WatchView } from './watch/model-watch.ts';

/** A `pino` logger is one. */
export interface WatchLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export type WatchConfig = Pick<Config, 'drift-window-s' | 'drift-min-samples' | 'alert-url' | 'alert-key' | 'state-folder'>;

export interface Watching {
  /** Undefined where nothing is to be watched. */
  readonly models: ModelWatch | undefined;
  /** Sends a fact to the receiver of alerts, where there is one. */
  readonly send: (fact: object) => void;
  readonly views: () => readonly WatchView[];
  readonly alerts: AlertBoard;
  readonly delivery: () => WebhookFigures;
  /** Hears of each trouble that begins. One listener; a later call replaces the earlier. */
  onRaised(listener: (alert: Alert) => void): void;
  /** Resolves when what is known is written. */
  close(): Promise<void>;
}

const NO_DELIVERY: WebhookFigures = { waiting: 0, sent: 0, lost: 0, failing: 0 };

/** @param versions - what is served now. @throws CopresenceError CONFIG_INVALID when the state folder cannot be used. */
export function startWatching(config: WatchConfig, { clock, log, versions }: { readonly clock: Clock; readonly log: WatchLog; readonly versions: () => readonly WatchedVersion[] }): Watching {
  const url = config['alert-url'];
  const webhook = url === undefined ? undefined : new Webhook({ clock, onLost: (why) => log.warn({ why }, 'an alert could not be sent') }, { url, key: config['alert-key'] });
  const send = (fact: object): void => webhook?.send(fact);
  let listener: (alert: Alert) => void = () => undefined;
  const windowMs = 1000 * config['drift-window-s'];
  const folder = config['state-folder'];
  const keeper = folder === undefined || windowMs === 0 ? undefined : new WatchKeeper(folder, { clock, log });
  const before = keeper?.before;
  let saveNow = (): void => undefined;
  const alerts = new AlertBoard(clock, (alert) => {
    (alert.state === 'raised' ? log.warn : log.info).call(log, alert, 'alert');
    send(toFact(alert));
    if (alert.state === 'raised') listener(alert);
    // Else a crash within seconds would have it told again.
    saveNow();
  }, before?.alerts);
  const models = windowMs === 0 ? undefined : new ModelWatch({ clock, alerts, versions }, {
    windowMs, minSamples: config['drift-min-samples'], before: before && { versions: before.versions, agoMs: Math.max(0, clock.wallMs() - before.savedMs) },
  });
  const keeping = models && keeper?.start(() => ({ savedMs: clock.wallMs(), versions: models.kept, alerts: alerts.list.map((alert) => ({ ...alert, facts: { ...alert.facts } })) }));
  if (keeping !== undefined) saveNow = () => void keeping.save();
  return {
    models, send, alerts,
    views: () => models?.views ?? [],
    delivery: () => webhook?.figures ?? NO_DELIVERY,
    onRaised(next) {
      listener = next;
    },
    async close() {
      models?.close();
      webhook?.close();
      await keeping?.close();
    },
  };
}

function toFact(alert: Alert): object {
  return { event: 'alert', ...alert };
}
